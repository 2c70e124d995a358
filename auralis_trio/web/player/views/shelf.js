/**
 * A list out of the library: pages as they are scrolled to, what is searched for, in an order. Answers that come late
 * are dropped, and what has changed meanwhile is shown without a jump.
 */

import { arrange } from "./rows.js";

const PAGE = 100;
const MOST = 500;
const DEBOUNCE_MS = 200;

/** Says `change` when other things are shown, and `choose` with `{item, index, target}` when one is pressed. */
export class Shelf extends EventTarget {
  #list;
  #foot;
  #parts;
  #items = [];
  #rows = new Map(); // by the items' keys
  #total = null;
  // {search, sort, chosen, fresh, refused, cursor, controller}: what is to be shown; `chosen` while the order was chosen
  // for this search, `fresh` until its first page is there, and then `cursor` leads to the next one, null at the end;
  // `refused` when the server has said that it cannot be
  #query = null;
  #loading = null;
  #stale = false; // something has changed since it was asked for
  #typing = null;
  #watcher;

  /**
   * @param {{list: Element, foot: Element}} elements the foot with a text and a button
   * @param {object} parts
   * @param {(query: object, signal: AbortSignal) => Promise<object>} parts.fetchPage see api.js
   * @param {() => Element} parts.newRow
   * @param {(row: Element, item: object, before: ?object) => void} parts.fill `before` is the item in front of it
   * @param {(item: object) => *} [parts.keyOf] what tells the items apart
   * @param {boolean} [parts.ranked] whether what is searched for has an order of its own
   * @param {(search: string) => string} parts.emptyText what is said where there is nothing
   */
  constructor({ list, foot }, { keyOf = ({ id }) => id, ranked = false, ...parts }) {
    super();
    this.#list = list;
    this.#foot = { note: foot.querySelector("p"), retry: foot.querySelector("button") };
    this.#parts = { ...parts, keyOf, ranked };
    this.#foot.retry.addEventListener("click", () => this.#more());
    list.addEventListener("click", ({ target }) => this.#clicked(target));
    this.#watcher = new IntersectionObserver((entries) => entries.at(-1).isIntersecting && this.#more(), {
      rootMargin: "800px",
    });
    this.#watcher.observe(foot);
  }

  /** What is shown of it. */
  get items() {
    return this.#items;
  }

  /** How much there is; null while that is not known. */
  get total() {
    return this.#total;
  }

  /** Whether anything was asked for. */
  get begun() {
    return this.#query !== null;
  }

  /** Whether everything is shown. */
  get complete() {
    return this.#query !== null && !this.#query.fresh && this.#query.cursor === null;
  }

  /** The words that are searched for. */
  get words() {
    return this.#query?.search ?? "";
  }

  /** The order that is shown; empty while it is that of a search. */
  get order() {
    const { search, sort, chosen } = this.#query;
    return this.#parts.ranked && search && !chosen ? "" : sort;
  }

  /** Show what matches `text`, once no more is typed. */
  search(text) {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.show({ search: text.trim() }), DEBOUNCE_MS);
  }

  /**
   * Show what is asked for from the first page on; answers to what was asked before are dropped. What is searched for
   * comes by how well it is found, unless an order is chosen meanwhile.
   */
  show({ search = this.words, sort }) {
    const before = this.#query;
    const chosen = Boolean(search && (sort || (before?.search && before.chosen)));
    this.#renew({ search, sort: sort ?? before?.sort, chosen, fresh: true, refused: false, cursor: null });
    return this.#more();
  }

  /** Show nothing, until something is asked for. */
  clear() {
    this.#query?.controller.abort();
    this.#query = this.#loading = this.#total = null;
    this.#replace([]);
    this.describe();
  }

  /** Something has changed: show as much as before, as it is now. */
  refresh() {
    this.#stale = true;
    if (this.#query && !this.#loading) this.#more();
  }

  /** Show the items so until the server is asked again; answers that are under way are dropped. */
  rearrange(items) {
    this.#total += items.length - this.#items.length;
    this.#renew({ ...this.#query, fresh: false });
    this.#stale = false;
    this.#replace(items);
    this.describe();
  }

  /** So much of it at least, if there is so much, also what was not scrolled to. @throws {ApiError} */
  async reach(wanted) {
    const { cursor, search } = this.#query;
    const missing = wanted - this.#items.length;
    if (this.complete || missing <= 0) return this.#items;
    const rest = await this.#read({ cursor, search, sort: this.order }, missing);
    const known = new Set(this.#items.map(this.#parts.keyOf));
    return [...this.#items, ...rest.items.filter((item) => !known.has(this.#parts.keyOf(item)))];
  }

  /** The row of an item. */
  row(key) {
    return this.#rows.get(key) ?? null;
  }

  /** Say how it stands, or what is wrong; another try is offered where it can lead to something else. */
  describe(problem = null) {
    const { note, retry } = this.#foot;
    note.textContent = problem?.message ?? (this.#total === 0 ? this.#parts.emptyText(this.words) : "");
    retry.hidden = !problem || Boolean(problem.refused);
  }

  #renew(query) {
    this.#query?.controller.abort();
    this.#query = { ...query, controller: new AbortController() };
    this.#loading = null;
  }

  /** Load the next page, or all that is shown anew, one request at a time. */
  #more() {
    const settled = this.complete || this.#query?.refused;
    if (!this.#query || this.#loading || (settled && !this.#stale)) return this.#loading;
    const loading = this.#load(this.#query).finally(() => {
      if (this.#loading !== loading) return;
      this.#loading = null;
      if (this.#stale && this.#foot.retry.hidden) this.#more();
    });
    this.#loading = loading;
    return loading;
  }

  async #load(query) {
    const { search, controller, fresh } = query;
    const anew = fresh || this.#stale;
    this.#stale = false;
    try {
      const wanted = fresh || !anew ? PAGE : Math.max(PAGE, this.#items.length);
      const cursor = anew ? null : query.cursor;
      const page = await this.#read({ cursor, search, sort: this.order }, wanted, controller.signal);
      if (query !== this.#query) return;
      query.fresh = query.refused = false;
      query.cursor = page.next_cursor;
      this.#total = page.total;
      if (anew) this.#replace(page.items);
      else this.#append(page.items);
      this.describe();
      this.#lookAgain();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (fresh && error.refused) this.#refuse();
      else this.#stale ||= anew && !fresh;
      this.describe(error);
    }
  }

  /** What is asked for cannot be; what was shown before it is no answer to it. */
  #refuse() {
    this.#query.refused = true;
    this.#total = null;
    this.#replace([]);
  }

  /** So much of the list, in as few requests as can be. */
  async #read({ cursor, ...query }, wanted, signal) {
    const items = [];
    let page;
    do {
      const limit = Math.min(MOST, wanted - items.length);
      page = await this.#parts.fetchPage({ ...query, limit, cursor: page?.next_cursor ?? cursor }, signal);
      items.push(...page.items);
    } while (page.next_cursor !== null && items.length < wanted);
    return { ...page, items };
  }

  /** Show these and no others; rows of what was shown before stay. */
  #replace(items) {
    const before = this.#rows;
    this.#items = [];
    this.#rows = new Map();
    this.#put(items, before);
    arrange(this.#list, [...this.#rows.values()]);
    this.dispatchEvent(new Event("change"));
  }

  #append(items) {
    this.#list.append(...this.#put(items, new Map()));
    this.dispatchEvent(new Event("change"));
  }

  /** Rows behind all others. What moved to a later page while the list was read is not shown twice. */
  #put(items, before) {
    const { newRow, fill, keyOf } = this.#parts;
    const added = items.filter((item) => !this.#rows.has(keyOf(item)) && this.#rows.set(keyOf(item), null));
    return added.map((item) => {
      const row = before.get(keyOf(item)) ?? newRow();
      row.dataset.index = this.#items.length;
      fill(row, item, this.#items.at(-1) ?? null);
      this.#rows.set(keyOf(item), row);
      this.#items.push(item);
      return row;
    });
  }

  /** A page may have been too short to move the foot out of sight. */
  #lookAgain() {
    const foot = this.#foot.note.parentElement;
    this.#watcher.unobserve(foot);
    this.#watcher.observe(foot);
  }

  #clicked(target) {
    const row = target.closest("li");
    if (!row) return;
    const index = Number(row.dataset.index);
    this.dispatchEvent(new CustomEvent("choose", { detail: { item: this.#items[index], index, target } }));
  }
}
