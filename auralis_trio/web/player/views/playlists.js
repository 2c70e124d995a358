/** Playlists: all of them, and one with its tracks, which are moved and taken out as those of the queue are. */

import {
  ApiError,
  deletePlaylist,
  fetchPage,
  fetchPlaylist,
  moveInPlaylist,
  removeFromPlaylist,
  renamePlaylist,
} from "../api.js";
import { countText, lengthText } from "../format.js";
import { placeHash } from "../place.js";
import { Collection } from "./collection.js";
import { RowDrag } from "./drag.js";
import { fillTrack, newRow, write } from "./rows.js";
import { Shelf } from "./shelf.js";

const EMPTY = "No playlists yet. Save the queue as one, or begin one with the menu of a track.";

/** What a playlist is: "Smart playlist", or how many tracks it has and how long it is. */
export function playlistText({ smart, tracks, duration_s }) {
  const counted = tracks === null ? "" : countText(tracks, "track");
  return [smart && "Smart playlist", counted, tracks && lengthText(duration_s)].filter(Boolean).join(" · ");
}

export class PlaylistShelf extends Shelf {
  /** @param {{list: Element, foot: Element, row: HTMLTemplateElement}} elements */
  constructor({ row, ...elements }) {
    super(elements, {
      fetchPage: (query, signal) => fetchPage("playlists", query, signal),
      newRow: () => newRow(row),
      fill: fillPlaylist,
      emptyText: () => EMPTY,
    });
  }

  get count() {
    return this.total ? countText(this.total, "playlist") : "";
  }
}

function fillPlaylist(row, playlist) {
  write(row, ".title", playlist.name);
  write(row, ".by", playlistText(playlist));
  row.querySelector("a").href = placeHash("playlists", playlist.id);
}

/** Says besides `gone` with its id when it was deleted here, and `said` with a text for those who do not see it. */
export class PlaylistPage extends Collection {
  #elements;
  #question;
  #drag;
  #edits = Promise.resolve(); // one behind the other
  #unfinished = 0; // how many of them there are

  /** @param {Record<string, Element>} elements @param {import("./question.js").Question} question */
  constructor(elements, question) {
    super(elements, {
      kind: "playlist",
      fetchOne: fetchPlaylist,
      path: (id) => `playlists/${id}/tracks`,
      keyOf: ({ entry_id, track }) => entry_id ?? track.id,
      trackOf: ({ track }) => track,
      fill: (row, { track }) => this.#fill(row, track),
      emptyText: () => this.#emptyText(),
    });
    this.#elements = elements;
    this.#question = question;
    this.#drag = this.#newDrag(elements.list);
    elements.list.addEventListener("keydown", (event) => this.#pressed(event));
    elements.rename.addEventListener("click", () => this.#rename());
    elements.remove.addEventListener("click", () => this.#delete());
  }

  describe(playlist) {
    const { list, rename, remove } = this.#elements;
    list.classList.toggle("movable", playlist?.smart === false);
    rename.disabled = remove.disabled = !playlist;
    return playlist ? [playlistText(playlist)] : [];
  }

  /** What a smart one finds may be other tracks each time, so those that are shown are played. */
  async order(index) {
    if (!this.one.smart) return super.order(index);
    const tracks = (await this.shelf.reach(Infinity)).map(({ track }) => track);
    return { action: "set", tracks, data: { track_ids: tracks.map(({ id }) => id), start_index: index } };
  }

  about(item, index) {
    return this.one.smart ? {} : { remove: () => this.#remove(index) };
  }

  /** What is told of edits made here would only be seen to jump while there are more. */
  refresh() {
    return this.#unfinished ? null : super.refresh();
  }

  #emptyText() {
    if (this.one.smart) return "Nothing in your library fits its rules now.";
    return "Nothing is in it yet. Put tracks in with their menus.";
  }

  #fill(row, track) {
    fillTrack(row, track);
    if (this.#movable) row.querySelector(".track").setAttribute("aria-keyshortcuts", "Alt+ArrowUp Alt+ArrowDown Delete");
  }

  get #movable() {
    return this.one?.smart === false;
  }

  #pressed(event) {
    const row = event.target.closest("li");
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!row || !this.#movable || !(event.altKey && step) && event.key !== "Delete") return;
    event.preventDefault();
    const index = Number(row.dataset.index);
    if (step) this.#move(index, index + step);
    else this.#remove(index);
  }

  #move(from, to) {
    const items = [...this.shelf.items];
    if (to < 0 || to >= items.length) return;
    const [item] = items.splice(from, 1);
    items.splice(to, 0, item);
    this.shelf.rearrange(items);
    this.shelf.row(item.entry_id).scrollIntoView({ block: "nearest" });
    this.say("said", `Moved to place ${to + 1} of ${this.shelf.total}`);
    this.#edit((id) => moveInPlaylist(id, item.entry_id, to));
  }

  /** Whoever is at the row is then at the one that has its place. */
  #remove(index) {
    const item = this.shelf.items[index];
    const row = this.shelf.row(item.entry_id);
    const here = row.contains(document.activeElement);
    const beside = row.nextElementSibling ?? row.previousElementSibling;
    this.shelf.rearrange(this.shelf.items.filter((other) => other !== item));
    if (here) (beside?.querySelector(".track") ?? this.#elements.title).focus({ preventScroll: true });
    this.say("said", `${item.track.title} was taken out`);
    this.#edit((id) => removeFromPlaylist(id, item.entry_id));
  }

  async #edit(action) {
    const { id } = this;
    const edit = this.#edits.then(() => action(id));
    this.#edits = edit.catch(() => {}); // what came of it is said below
    this.#unfinished += 1;
    await this.#try(() => edit);
    this.#unfinished -= 1;
    this.refresh();
  }

  async #rename() {
    const { id, one } = this;
    const name = await this.#question.ask({ title: "Rename the playlist", name: one.name, action: "Rename" });
    if (name !== null) this.#try(() => renamePlaylist(id, name));
  }

  async #delete() {
    const { id, one } = this;
    const text = "Its tracks stay in your library. This cannot be undone.";
    const sure = await this.#question.ask({ title: `Delete “${one.name}”?`, text, action: "Delete" });
    if (sure !== null && (await this.#try(() => deletePlaylist(id)))) this.say("gone", id);
  }

  /** Whether it was done; if not, it is said why. */
  async #try(action) {
    try {
      await action();
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.say("problem", error.message);
      return false;
    }
  }

  /** What is in sight of the list: the finder stands above it and on small screens the deck below it. */
  #bounds() {
    const deck = this.#elements.deck.getBoundingClientRect();
    return { top: this.#elements.section.offsetTop, bottom: deck.width < innerWidth ? innerHeight : deck.top };
  }

  #newDrag(list) {
    const height = () => list.firstElementChild.getBoundingClientRect().height;
    const drag = new RowDrag(list, {
      bounds: () => this.#bounds(),
      scroll: (pixels) => scrollBy(0, pixels),
      rowHeight: height,
      total: () => this.shelf.items.length,
      show: () => {
        for (const row of list.children) {
          const dragged = row === drag.row;
          row.style.translate = dragged ? `0 ${(drag.place - row.dataset.index) * height()}px` : "";
        }
      },
      move: (from, to) => this.#move(from, to),
    });
    return drag;
  }
}
