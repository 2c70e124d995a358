/**
 * The library: one place of it is shown, the one that the address names. Each keeps what was looked for, how far it was
 * scrolled and where the focus was, so that Back leads to all of that.
 */

import { parsePlace, placeHash } from "../place.js";
import { recall, remember } from "../prefs.js";
import { AlbumPage, AlbumShelf } from "./albums.js";
import { PlaylistPage, PlaylistShelf } from "./playlists.js";
import { markHeard } from "./rows.js";
import { Scan, TrackShelf } from "./tracks.js";

/** The orders that a shelf can be in, the first one at the beginning. */
const ORDERS = {
  tracks: [
    ["album", "By album"],
    ["artist", "By artist"],
    ["title", "By title"],
    ["-added", "Newest first"],
    ["-year", "Latest year first"],
  ],
  albums: [
    ["title", "By title"],
    ["-year", "Latest year first"],
    ["year", "Earliest year first"],
  ],
  playlists: [
    ["name", "By name"],
    ["-updated", "Latest change first"],
    ["-created", "Newest first"],
  ],
};
const SEARCHED = ["tracks", "albums"];
const FEW = 100;

/**
 * Says `play` with `{track, order}`, `add` with `{tracks, title, next}` for the queue, `keep` with the same for a playlist,
 * `more` with `{track, button}`, `tell` with a text for people and `said` with one for those who do not see what happened.
 */
export class Library extends EventTarget {
  #elements;
  #scan = new Scan();
  #shelves;
  #pages;
  #place = null; // {shelf, id}
  #left = new Map(); // by shelves: {scrolled, focused}
  #stale = new Set(); // the parts that have changed while they were not shown
  #heard = { id: null, playing: false };

  /** @param {Record<string, HTMLElement>} elements by their ids @param {import("./question.js").Question} question */
  constructor(elements, question) {
    super();
    this.#elements = elements;
    this.tracks = new TrackShelf(this.#partsOf("tracks", elements["track-row"]), this.#scan);
    this.#shelves = {
      tracks: this.tracks,
      albums: new AlbumShelf(this.#partsOf("albums", elements["album-row"]), this.#scan),
      playlists: new PlaylistShelf(this.#partsOf("playlists", elements["playlist-row"])),
    };
    this.#pages = {
      albums: new AlbumPage(this.#partsOf("album", elements["track-row"])),
      playlists: new PlaylistPage(this.#partsOf("playlist", elements["track-row"]), question),
    };
    this.#wireParts();
    this.#wireFinder();
    history.scrollRestoration = "manual";
    addEventListener("hashchange", () => this.#go());
    this.#go();
    if (this.#shown !== this.tracks) this.#open("tracks"); // what Play begins with
  }

  /** Mark the track that is heard. */
  mark(id, playing) {
    if (this.#heard.id === id && this.#heard.playing === playing) return;
    markHeard(this.#elements.library, this.#heard.id, { heard: false });
    this.#heard = { id, playing };
    this.#paint();
  }

  /** Be where there is a search, and in it. */
  find() {
    const { search } = this.#elements;
    if (!this.#searched) this.goTo("tracks");
    search.focus();
    search.select();
  }

  goTo(shelf, id = null) {
    location.hash = placeHash(shelf, id);
    this.#go();
  }

  /** The line is open, now or again. */
  greeted({ state }) {
    this.#scan.progress = state?.scan ?? null;
    this.renewAll();
  }

  /** The server tells what has changed. */
  told({ type, data }) {
    const { albums, playlists } = this.#pages;
    if (type === "library_scan_started") this.#scan.progress = { state: "walking" };
    if (["scan_progress", "scan_complete", "library_scan_error"].includes(type)) this.#scan.progress = data;
    if (type === "scan_progress") this.#renew(...this.#few);
    if (["scan_complete", "library_updated", "metadata_updated"].includes(type)) this.renewAll();
    if (type === "artwork_updated" && "album_id" in data) this.#renew(this.#shelves.albums, albums);
    if (type.startsWith("playlist_")) this.#renew(this.#shelves.playlists);
    if (type === "playlist_updated" && data.playlist_id === playlists.id) this.#renew(playlists);
    if (type === "playlist_deleted") this.#gone(data.playlist_id);
    this.#describe();
  }

  /** Anything may have changed. */
  renewAll() {
    this.#renew(...Object.values(this.#shelves), ...Object.values(this.#pages));
  }

  #partsOf(name, row) {
    const all = this.#elements;
    const parts = { list: all[name], foot: all[`${name}-foot`], section: all[`${name}-place`], row, deck: all.deck };
    for (const part of ["title", "about", "play", "next", "add", "keep", "rename", "remove"]) parts[part] = all[`${name}-${part}`];
    return parts;
  }

  #wireParts() {
    for (const page of Object.values(this.#pages)) {
      page.shelf.addEventListener("change", () => this.#paint());
      for (const type of ["play", "add", "keep", "more", "said"]) {
        page.addEventListener(type, ({ detail }) => this.#say(type, detail));
      }
      page.addEventListener("problem", ({ detail }) => this.#say("tell", detail));
      page.addEventListener("gone", ({ detail }) => this.#gone(detail));
    }
    for (const shelf of Object.values(this.#shelves)) shelf.addEventListener("change", () => this.#describe());
    this.tracks.addEventListener("change", () => this.#paint());
    this.tracks.addEventListener("choose", ({ detail: { item: track, target } }) => {
      const button = target.closest(".more");
      if (button) this.#say("more", { track, button });
      else if (target.closest(".track")) this.#say("play", { track, order: this.tracks.around(track) });
    });
  }

  #wireFinder() {
    const { search, sort } = this.#elements;
    search.addEventListener("input", () => this.#shown.search(search.value));
    search.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.preventDefault(); // some browsers empty the field by themselves, and do not always say so
      search.value = "";
      this.#shown.search("");
      search.blur();
    });
    sort.addEventListener("change", () => {
      remember(this.#preference(this.#place.shelf), sort.value);
      this.#shown.show({ sort: sort.value });
    });
  }

  /** Show the place that the address names. */
  #go() {
    const place = parsePlace(location.hash);
    const before = this.#place;
    if (before?.shelf === place.shelf && before.id === place.id) return;
    if (before?.id === null) this.#left.set(before.shelf, { scrolled: scrollY, focused: document.activeElement });
    this.#place = place;
    this.#showPlace();
    if (place.id === null) this.#open(place.shelf);
    else this.#pages[place.shelf].open(place.id);
    this.#stale.delete(this.#shown);
    this.#paint();
    this.#describe();
    if (before) this.#arrive(place);
  }

  /** At a place that was left everything is as it was; at one thing its title is read out. */
  #arrive(place) {
    const left = place.id === null ? this.#left.get(place.shelf) : null;
    if (place.id !== null) this.#titleOf(place).focus({ preventScroll: true });
    else if (left && this.#sectionOf(place).contains(left.focused)) left.focused.focus({ preventScroll: true });
    scrollTo({ top: left?.scrolled ?? 0, behavior: "instant" });
  }

  #showPlace() {
    const { search, sort, "search-field": field, "sort-field": order } = this.#elements;
    const { shelf, id } = this.#place;
    for (const name of Object.keys(this.#shelves)) {
      this.#sectionOf({ shelf: name, id: null }).hidden = name !== shelf || id !== null;
      const link = this.#elements[`to-${name}`];
      if (name === shelf) link.setAttribute("aria-current", id === null ? "page" : "true");
      else link.removeAttribute("aria-current");
    }
    for (const name of Object.keys(this.#pages)) {
      this.#sectionOf({ shelf: name, id: 1 }).hidden = name !== shelf || id === null;
    }
    field.hidden = !this.#searched;
    order.hidden = id !== null;
    search.value = this.#shelves[shelf].words;
    sort.replaceChildren(new Option("Best match", ""), ...ORDERS[shelf].map(([value, text]) => new Option(text, value)));
    sort.firstElementChild.hidden = true;
  }

  /** Have something on a shelf, as it is now. */
  #open(name) {
    const shelf = this.#shelves[name];
    const [[first]] = ORDERS[name];
    if (!shelf.begun) shelf.show({ search: "", sort: recall(this.#preference(name), first) });
    else if (this.#stale.delete(shelf) || shelf.total === null) shelf.refresh();
  }

  /** A playlist was deleted, here or elsewhere; whether or not it is shown, nothing of it may be seen again. */
  #gone(playlistId) {
    const { playlists } = this.#pages;
    if (playlistId !== playlists.id) return;
    const { one } = playlists;
    const shown = this.#shown === playlists;
    playlists.forget();
    if (shown) this.goTo("playlists");
    if (shown && one) this.#say("tell", `“${one.name}” was deleted.`);
  }

  get #shown() {
    const { shelf, id } = this.#place;
    return (id === null ? this.#shelves : this.#pages)[shelf];
  }

  get #searched() {
    return this.#place.id === null && SEARCHED.includes(this.#place.shelf);
  }

  /** The shelves that are shown anew while a scan goes on: not those in which the listener has scrolled on. */
  get #few() {
    return [this.tracks, this.#shelves.albums].filter(({ items }) => items.length <= FEW);
  }

  #renew(...parts) {
    for (const part of parts) {
      if (part === this.#shown) part.refresh();
      else this.#stale.add(part);
    }
  }

  #paint() {
    markHeard(this.#elements.library, this.#heard.id, { heard: this.#heard.id !== null, playing: this.#heard.playing });
  }

  #describe() {
    const { count, sort } = this.#elements;
    const shelf = this.#shelves[this.#place.shelf];
    const counted = this.#place.id === null ? shelf.count : "";
    const text = this.#scan.text || counted;
    if (count.textContent !== text) count.textContent = text;
    if (shelf.total !== null) sort.value = shelf.order;
    if (shelf.total === 0) shelf.describe();
  }

  #titleOf({ shelf }) {
    return this.#elements[`${shelf.slice(0, -1)}-title`];
  }

  #sectionOf({ shelf, id }) {
    return this.#elements[`${id === null ? shelf : shelf.slice(0, -1)}-place`];
  }

  #preference(shelf) {
    return shelf === "tracks" ? "sort" : `sort-${shelf}`;
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
