/** Albums: a grid of pictures, and one album with its tracks by disc. */

import { fetchAlbum, fetchPage } from "../api.js";
import { countText, lengthText } from "../format.js";
import { placeHash } from "../place.js";
import { Collection } from "./collection.js";
import { showCover } from "./cover.js";
import { fillTrack, newRow, write } from "./rows.js";
import { Shelf } from "./shelf.js";

export class AlbumShelf extends Shelf {
  /** @param {{list: Element, foot: Element, row: HTMLTemplateElement}} elements @param {import("./tracks.js").Scan} scan */
  constructor({ row, ...elements }, scan) {
    super(elements, {
      fetchPage: (query, signal) => fetchPage("albums", query, signal),
      newRow: () => newRow(row),
      fill: fillAlbum,
      emptyText: (search) => scan.emptyText(search),
    });
  }

  get count() {
    return this.total ? `${countText(this.total, "album")}${this.words ? " found" : ""}` : "";
  }
}

function fillAlbum(row, album) {
  write(row, ".title", album.title);
  write(row, ".artist", album.artist ?? "Several artists");
  write(row, ".year", album.year === null ? "" : String(album.year));
  row.querySelector("a").href = placeHash("albums", album.id);
  showCover(row.querySelector("img"), album.id, album.artwork);
}

export class AlbumPage extends Collection {
  #cover;

  constructor(elements) {
    super(elements, {
      kind: "album",
      fetchOne: fetchAlbum,
      path: (id) => `albums/${id}/tracks`,
      keyOf: ({ id }) => id,
      trackOf: (track) => track,
      fill: (row, track, before) => this.#fill(row, track, before),
      emptyText: () => "There are no tracks on it any more.",
    });
    this.#cover = elements.section.querySelector("img");
  }

  describe(album) {
    showCover(this.#cover, album?.id ?? null, album?.artwork);
    if (!album) return [];
    const about = [album.artist ?? "Several artists", album.year, countText(album.tracks, "track")];
    return [...about, lengthText(album.duration_s)].filter(Boolean);
  }

  about() {
    return { atAlbum: true };
  }

  #fill(row, track, before) {
    const artist = track.artist === this.one.artist ? null : track.artist;
    fillTrack(row, { ...track, artist }, { album: null, number: track.track_number });
    const disc = row.querySelector(".disc");
    const begins = this.one.discs > 1 && (!before || before.disc_number !== track.disc_number);
    disc.textContent = track.disc_number === null ? "On no disc" : `Disc ${track.disc_number}`;
    disc.hidden = !begins;
  }
}
