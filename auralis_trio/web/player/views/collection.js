/** One album or one playlist: what it is, its tracks, and what can be done with all of them; or that it is gone. */

import { ApiError, fetchPage } from "../api.js";
import { newRow } from "./rows.js";
import { Shelf } from "./shelf.js";

/**
 * Says `play` with `{track, order}`, `add` with `{tracks, title, next}`, `keep` with the same for a playlist, `more` with
 * `{track, button}` and what else the menu of a row needs, and `problem` with a text for people. `describe(one)` gives
 * what is said below the title, in parts.
 */
export class Collection extends EventTarget {
  /** What is shown, as the server describes it; null while it is not known. */
  one = null;
  id = null;
  #elements;
  #parts;
  #controller = null;

  /**
   * @param {Record<string, Element>} elements section, title, about, play, next, add, keep, list, foot, row
   * @param {object} parts `kind`, `fetchOne`, `path` of its list, and `keyOf`, `fill` and `trackOf` for an item of that
   */
  constructor(elements, { emptyText, keyOf, fill, ...parts }) {
    super();
    const { list, foot, row, play, next, add, keep } = elements;
    this.#elements = elements;
    this.#parts = parts;
    this.shelf = new Shelf({ list, foot }, {
      fetchPage: (query, signal) => fetchPage(parts.path(this.id), query, signal),
      newRow: () => newRow(row),
      fill,
      keyOf,
      emptyText,
    });
    this.shelf.addEventListener("choose", ({ detail }) => this.#chosen(detail));
    this.shelf.addEventListener("change", () => this.#enable());
    foot.querySelector("button").addEventListener("click", () => this.refresh());
    play.addEventListener("click", () => this.#play(Math.max(0, this.#tracks.findIndex(({ missing }) => !missing))));
    next.addEventListener("click", () => this.#offer("add", { next: true }));
    add.addEventListener("click", () => this.#offer("add", { next: false }));
    keep.addEventListener("click", () => this.#offer("keep"));
  }

  /** Show another one; the same one as it is now. */
  open(id) {
    if (id !== this.id) {
      this.id = id;
      this.#empty();
    }
    this.refresh();
  }

  /** Something of it has changed. */
  async refresh() {
    this.#controller?.abort();
    const { id } = this;
    const controller = (this.#controller = new AbortController());
    if (id === null) return;
    try {
      const one = await this.#parts.fetchOne(id, controller.signal);
      if (controller.signal.aborted) return;
      const first = this.one === null;
      this.one = one;
      this.show();
      if (first) this.shelf.show({});
      else this.shelf.refresh();
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof ApiError)) throw error;
      if (error.missing) this.#empty(`No such ${this.#parts.kind}`);
      this.shelf.describe(error);
    }
  }

  /** It is gone: whoever opens it again is told so, and sees nothing of what it was. */
  forget() {
    this.id = null;
    this.#controller?.abort();
    this.#empty();
  }

  /** Show what is known of it; `none` is its title while nothing is. */
  show(none = "") {
    const { title, about, play } = this.#elements;
    title.textContent = this.one?.title ?? this.one?.name ?? none;
    play.parentElement.hidden = Boolean(none);
    title.title = title.textContent; // which may be cut
    about.replaceChildren(...this.describe(this.one).flatMap((part, at) => [at ? " · " : "", partOf(part)]));
    this.#enable();
  }

  /** What the queue is to hold so that the item at this place is played. */
  order(index) {
    const { complete } = this.shelf;
    const tracks = complete ? this.#tracks : [...this.#tracks, null];
    return { action: "from", tracks, data: { [`${this.#parts.kind}_id`]: this.id, start_index: index } };
  }

  say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** What is said of an item to the menu of its row. */
  about() {
    return {};
  }

  #empty(none) {
    this.one = null;
    this.shelf.clear();
    this.show(none);
  }

  get #tracks() {
    return this.shelf.items.map(this.#parts.trackOf);
  }

  #enable() {
    const empty = !this.one || !this.shelf.items.length;
    for (const name of ["play", "next", "add", "keep"]) this.#elements[name].disabled = empty;
  }

  #chosen({ item, index, target }) {
    const track = this.#parts.trackOf(item);
    const button = target.closest(".more");
    if (button) this.say("more", { track, button, ...this.about(item, index) });
    else if (target.closest(".track")) this.#play(index);
  }

  #play(index) {
    this.say("play", { track: this.#tracks[index], order: this.order(index) });
  }

  /** Say something of all its tracks. */
  async #offer(type, more = {}) {
    const title = this.#elements.title.textContent;
    try {
      const all = await this.shelf.reach(Infinity);
      const tracks = all.map(this.#parts.trackOf).filter(({ missing }) => !missing);
      this.say(type, { tracks, title, ...more });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.say("problem", error.message);
    }
  }
}

function partOf(text) {
  const part = document.createElement("span");
  part.textContent = text;
  return part;
}
