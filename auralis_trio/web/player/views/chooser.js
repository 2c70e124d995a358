/** To which playlist something is added: one of those that were changed last, any other, or a new one. */

import { ApiError, addToPlaylist, createPlaylist, fetchPage } from "../api.js";
import { playlistText } from "./playlists.js";
import { newRow, write } from "./rows.js";
import { Shelf } from "./shelf.js";

/** Says `done` with a text for people. */
export class PlaylistChooser extends EventTarget {
  #dialog;
  #shelf;
  #problem;
  #tracks = [];
  #title = "";

  /** @param {HTMLDialogElement} dialog @param {HTMLTemplateElement} row */
  constructor(dialog, row) {
    super();
    const find = (selector) => dialog.querySelector(selector);
    this.#dialog = dialog;
    this.#problem = find(".problem");
    this.#shelf = new Shelf({ list: find("ul"), foot: find(".foot") }, {
      fetchPage: handMade,
      newRow: () => newRow(row),
      fill: (row, playlist) => {
        write(row, ".title", playlist.name);
        write(row, ".by", playlistText(playlist));
      },
      emptyText: () => "",
    });
    this.#shelf.addEventListener("choose", ({ detail: { item, target } }) => {
      if (target.closest("button")) this.#finish(item.name, (ids) => addToPlaylist(item.id, ids));
    });
    const field = find("input");
    find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = field.value.trim();
      this.#finish(name, (ids) => createPlaylist(name, ids));
    });
    find("[value=leave]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => find("form").reset());
  }

  /** Ask where these tracks are to be put; the title is for all of them. */
  open(tracks, title) {
    this.#tracks = tracks;
    this.#title = title;
    this.#problem.textContent = "";
    this.#dialog.querySelector("h2").textContent = `Add “${title}” to a playlist`;
    this.#shelf.clear();
    this.#shelf.show({ sort: "-updated" });
    this.#dialog.showModal();
  }

  async #finish(name, put) {
    try {
      await put(this.#tracks.map(({ id }) => id));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#problem.textContent = error.message;
      return;
    }
    this.#dialog.close();
    this.dispatchEvent(new CustomEvent("done", { detail: `“${this.#title}” was added to “${name}”.` }));
  }
}

/** Smart ones are filled by their rules. */
async function handMade(query, signal) {
  const page = await fetchPage("playlists", query, signal);
  return { ...page, items: page.items.filter(({ smart }) => !smart) };
}
