/** The tracks of the library, and what stands around one of them. */

import { fetchPage } from "../api.js";
import { countText } from "../format.js";
import { fillTrack, newRow } from "./rows.js";
import { Shelf } from "./shelf.js";

const MAX_AROUND = 500;
const BEFORE = 100;
const EMPTY = "No music yet. Start the server with a folder of music: auralis-trio serve FOLDER";
const SCANNING = ["walking", "reading"];
const SCANNING_NOTE = "Looking through your folders. What is found appears here.";

/** How far the server's scan is, as it tells it. */
export class Scan {
  #progress = null;

  /** What the server told last; null while nothing is known. */
  set progress(progress) {
    this.#progress = SCANNING.includes(progress?.state) ? progress : null;
  }

  /** How far it is; empty while none is running. */
  get text() {
    if (!this.#progress) return "";
    const { done, total } = this.#progress;
    return total ? `Scanning ${done.toLocaleString("en")} of ${total.toLocaleString("en")}` : "Scanning…";
  }

  /** What is said where there is nothing. */
  emptyText(search) {
    if (search) return `Nothing is called “${search}”. Look for part of a title, artist or album.`;
    return this.#progress ? SCANNING_NOTE : EMPTY;
  }
}

export class TrackShelf extends Shelf {
  /** @param {{list: Element, foot: Element, row: HTMLTemplateElement}} elements @param {Scan} scan */
  constructor({ row, ...elements }, scan) {
    super(elements, {
      fetchPage: (query, signal) => fetchPage("library/tracks", query, signal),
      newRow: () => newRow(row),
      fill: (row, track) => fillTrack(row, track),
      emptyText: (search) => scan.emptyText(search),
      ranked: true,
    });
  }

  get count() {
    return this.total ? `${countText(this.total, "track")}${this.words ? " found" : ""}` : "";
  }

  /** The first track that can be played; undefined if there is none. */
  get first() {
    return this.items.find(({ missing }) => !missing);
  }

  /** Have the queue hold what is shown around a track: some before it and many behind it, those without a file left out. */
  async around(track) {
    const place = this.items.findIndex(({ id }) => id === track.id);
    const offset = Math.max(0, place - BEFORE);
    const all = await this.reach(offset + MAX_AROUND);
    const shown = all.slice(offset, offset + MAX_AROUND).filter(({ id, missing }) => id === track.id || !missing);
    const index = shown.findIndex(({ id }) => id === track.id);
    const tracks = index < 0 ? [track] : shown;
    return { action: "set", tracks, data: { track_ids: tracks.map(({ id }) => id), start_index: Math.max(0, index) } };
  }
}
