/**
 * The list of tracks: pages as they are scrolled to, a search whose late answers are dropped, and what stands around a
 * track. Text from tags goes in as text.
 */

import { clockTime, signalText, titleOf } from "../format.js";

const PAGE = 100;
const MAX_AROUND = 500;
const BEFORE = 100;
const DEBOUNCE_MS = 200;
const EMPTY = "No music yet. Start the server with a folder of music: auralis-trio serve FOLDER";
const SCANNING = ["walking", "reading"];
const SCANNING_NOTE = "Looking through your folders. Tracks appear here as they are found.";

/**
 * Says `play` with a track when one is chosen, `more` with `{track, button}` when other things are to be done, and
 * `change` when other tracks are shown.
 */
export class TrackList extends EventTarget {
  #elements;
  #fetchPage;
  #items = [];
  #total = null;
  // {search, sort, chosen, fresh, cursor, controller}: what is to be shown; `chosen` while the order was chosen for this
  // search, `fresh` until its first page is there, and then `cursor` leads to the next one, null at the end
  #query = null;
  #loading = null;
  #typing = null;
  #scan = null;
  #heard = { id: null, playing: false };

  /**
   * @param {{list: Element, foot: Element, note: Element, retry: Element, count: Element, row: Element}} elements
   * @param {typeof import("../api.js").fetchTracks} fetchPage
   * @param {string} sort the order to begin with
   */
  constructor(elements, fetchPage, sort) {
    super();
    this.#elements = elements;
    this.#fetchPage = fetchPage;
    elements.retry.addEventListener("click", () => this.#more());
    elements.list.addEventListener("click", ({ target }) => this.#clicked(target));
    const watcher = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.#more(), {
      rootMargin: "800px",
    });
    this.show({ search: "", sort });
    watcher.observe(elements.foot);
  }

  /** Show what matches `text`, once no more is typed. */
  search(text) {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.show({ search: text.trim() }), DEBOUNCE_MS);
  }

  /**
   * Show the tracks asked for from the first page on; answers to what was asked before are dropped. What is searched
   * for comes by how well it is found, unless an order is chosen meanwhile.
   */
  show({ search = this.#query.search, sort }) {
    const before = this.#query;
    before?.controller.abort();
    const chosen = Boolean(search && (sort || (before.search && before.chosen)));
    this.#query = { search, sort: sort ?? before.sort, chosen, fresh: true, cursor: null, controller: new AbortController() };
    this.#loading = null;
    return this.#more();
  }

  /** The order that is shown; empty while it is that of a search. */
  get order() {
    const { search, sort, chosen } = this.#query;
    return search && !chosen ? "" : sort;
  }

  /** The library has changed: show it so, unless the listener has scrolled on. */
  refresh() {
    if (!this.#loading && this.#items.length <= PAGE) this.show({});
  }

  /** How far the server's scan is, as it tells it; null while nothing is known. */
  set scan(progress) {
    this.#scan = SCANNING.includes(progress?.state) ? progress : null;
    this.#describe();
  }

  /** Mark the track that is heard. */
  mark(id, playing) {
    if (this.#heard.id === id && this.#heard.playing === playing) return;
    this.#paint(this.#heard.id, null);
    this.#heard = { id, playing };
    this.#paintHeard();
  }

  /** The first track that can be played; undefined if there is none. */
  get first() {
    return this.#items.find(({ missing }) => !missing);
  }

  /**
   * What is shown around a track, and where it stands in that: some tracks before it and many behind it, those without
   * a file left out.
   * @returns {Promise<{tracks: object[], index: number}>}
   */
  async around(track) {
    const place = this.#items.findIndex(({ id }) => id === track.id);
    const offset = Math.max(0, place - BEFORE);
    const shown = this.#items.slice(offset, offset + MAX_AROUND);
    const { search, cursor } = this.#query;
    const all = shown.length === MAX_AROUND || cursor === null;
    const limit = MAX_AROUND - shown.length;
    const behind = all ? [] : (await this.#fetchPage({ limit, cursor, search, sort: this.order })).items;
    const known = new Set(shown.map(({ id }) => id));
    const items = [...shown, ...behind.filter(({ id }) => !known.has(id))];
    const tracks = items.filter(({ id, missing }) => id === track.id || !missing);
    const index = tracks.findIndex(({ id }) => id === track.id);
    return index < 0 ? { tracks: [track], index: 0 } : { tracks, index };
  }

  /** Load the next page, one at a time. */
  #more() {
    const all = !this.#query.fresh && this.#query.cursor === null;
    if (all || this.#loading) return this.#loading;
    const loading = this.#load(this.#query).finally(() => {
      if (this.#loading === loading) this.#loading = null;
    });
    this.#loading = loading;
    return loading;
  }

  async #load(query) {
    const { search, cursor, controller } = query;
    try {
      const page = await this.#fetchPage({ limit: PAGE, cursor, search, sort: this.order }, controller.signal);
      if (query !== this.#query) return;
      if (query.fresh) this.#replace(page.items);
      else this.#append(page.items);
      query.fresh = false;
      query.cursor = page.next_cursor;
      this.#total = page.total;
      this.#describe();
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      if (error.name === "AbortError") return;
      this.#describe(error.message);
    }
  }

  #replace(items) {
    if (JSON.stringify(items) === JSON.stringify(this.#items)) return;
    const focused = document.activeElement?.closest("li")?.dataset.id;
    this.#items = [];
    this.#elements.list.replaceChildren();
    this.#append(items);
    if (focused) this.#row(focused)?.firstElementChild.focus();
  }

  /** Tracks whose tags changed while the list was read, and moved them to a later page, are not shown twice. */
  #append(items) {
    const shown = new Set(this.#items.map(({ id }) => id));
    const added = items.filter(({ id }) => !shown.has(id));
    this.#items.push(...added);
    this.#elements.list.append(...added.map((track) => this.#rowOf(track)));
    this.#paintHeard();
  }

  #rowOf(track) {
    const row = this.#elements.row.content.firstElementChild.cloneNode(true);
    const write = (name, text) => {
      row.querySelector(name).textContent = text ?? "";
    };
    row.dataset.id = track.id;
    write(".title", titleOf(track));
    write(".artist", track.artist);
    write(".dash", track.artist && track.album ? " — " : "");
    write(".album", track.album);
    write(".format", track.missing ? "file missing" : signalText({ format: track.format, sampleRate: track.sample_rate }));
    row.classList.toggle("missing", Boolean(track.missing));
    row.querySelector(".more").setAttribute("aria-label", `More for ${titleOf(track)}`);
    write(".time", clockTime(track.duration_s));
    return row;
  }

  #row(id) {
    return this.#elements.list.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  #paintHeard() {
    this.#paint(this.#heard.id, this.#heard.playing ? "playing" : "paused");
  }

  #paint(id, state) {
    const row = id === null ? null : this.#row(id);
    if (!row) return;
    if (state) row.dataset.state = state;
    else delete row.dataset.state;
    row.firstElementChild.setAttribute("aria-current", String(state !== null));
  }

  #clicked(target) {
    const id = target.closest("li")?.dataset.id;
    const track = this.#items.find((item) => String(item.id) === id);
    const button = target.closest(".more");
    if (!track) return;
    if (button) this.dispatchEvent(new CustomEvent("more", { detail: { track, button } }));
    else if (target.closest(".track")) this.dispatchEvent(new CustomEvent("play", { detail: track }));
  }

  #describe(problem = "") {
    const { count, note, retry } = this.#elements;
    count.textContent = this.#scan ? scanText(this.#scan) : this.#countText();
    note.textContent = problem || this.#emptyText();
    retry.hidden = !problem;
  }

  #countText() {
    const tracks = this.#total === 1 ? "1 track" : `${this.#total?.toLocaleString("en")} tracks`;
    return this.#total ? `${tracks}${this.#query.search ? " found" : ""}` : "";
  }

  #emptyText() {
    const { search } = this.#query;
    if (this.#total !== 0) return "";
    if (search) return `Nothing is called “${search}”. Look for part of a title, artist or album.`;
    return this.#scan ? SCANNING_NOTE : EMPTY;
  }
}

function scanText({ done, total }) {
  return total ? `Scanning ${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : "Scanning…";
}
