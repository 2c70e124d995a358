/**
 * The play queue as the server keeps it for all who listen, and what the player does with it. The page holds a copy:
 * a snapshot when the line opens, then numbered changes; where a number is missing it asks for a new snapshot. Of long
 * queues only the parts that are looked at are known. What is moved here is shown at once, as the server will have it.
 */

import { ApiError, fetchPlayer, fetchQueue, fetchTrack, orderQueue } from "./api.js";

const PAGE = 100;
const TICK_MS = 500;
const MAX_TRACKS = 4_000;
const NOTHING = { state: "stopped", entry_id: null, track_id: null, position_s: null, outputs: [] };

/**
 * Says `change` when the queue, the player or a track has changed, or time has passed on another device, `missed` when
 * something was not heard, and `problem` with a text for people.
 */
export class Queue extends EventTarget {
  /** The event `player_state`. */
  player = NOTHING;
  /** The event `queue_changed`. */
  summary = { revision: 0, total: 0, current_entry_id: null, repeat: "off", shuffled: false };
  #items = []; // {entry_id, track_id} at their places, as far as they are known
  #tracks = new Map(); // by their ids; null while one is asked for
  #outdated = new Map(); // what was known of them before something changed
  #asked = new Set(); // the pages that are under way
  #told_s = 0; // when the player's position was told
  #ticking = null;
  #session = null;
  #boot = null;
  #seq = 0;
  #edits = Promise.resolve(); // one behind the other
  #unfinished = 0; // how many of them there are
  #awaited = 0; // the revision behind the last one that was carried out
  #latest = null; // the event `queue_changed` that came last

  /** @param {import("./socket.js").Line} line */
  constructor(line) {
    super();
    line.addEventListener("hello", ({ detail }) => this.#greeted(detail));
    line.addEventListener("state", ({ detail }) => {
      if (detail !== "open") this.#lost();
    });
    line.addEventListener("message", ({ detail }) => this.#told(detail));
  }

  /** Whether this page is one of those that play the queue. */
  get here() {
    return this.player.outputs.includes(this.#session);
  }

  /** Whether others play it, and this page does not. */
  get elsewhere() {
    return this.player.state === "playing" && this.player.outputs.length > 0 && !this.here;
  }

  /** Where the current entry is heard by now, in seconds. */
  get position_s() {
    const since_s = this.elsewhere ? performance.now() / 1000 - this.#told_s : 0;
    return (this.player.position_s ?? 0) + since_s;
  }

  get total() {
    return this.summary.total;
  }

  /** The entry at a place, `{entry_id, track_id}`; undefined while it is not known. */
  at(index) {
    return this.#items[index];
  }

  /** The place of an entry, -1 if it is not known. */
  indexOf(entryId) {
    return this.#items.findIndex((item) => item?.entry_id === entryId);
  }

  /** The entry before (-1) or behind (1) another one, as far as it is known. */
  beside(entryId, step) {
    const index = this.indexOf(entryId);
    if (index < 0) return null;
    const place = this.summary.repeat === "all" ? (index + step + this.total) % this.total : index + step;
    return this.#items[place] ?? null;
  }

  /** What is known of a track: at least its id. What is missing is asked for. */
  trackOf(trackId) {
    if (trackId === null || trackId === undefined) return null;
    if (!this.#tracks.has(trackId)) this.#askTrack(trackId);
    return this.#tracks.get(trackId) ?? this.#outdated.get(trackId) ?? { id: trackId };
  }

  /** The track of an entry, as `trackOf`; null where the entry is not known. */
  trackOfEntry(entryId) {
    return this.trackOf(this.#items[this.indexOf(entryId)]?.track_id ?? null);
  }

  /** All tracks in it: null for each that is not known. */
  get tracks() {
    return Array.from({ length: this.total }, (_, index) => this.#tracks.get(this.#items[index]?.track_id) ?? null);
  }

  /** These tracks need not be asked for. */
  learn(tracks) {
    for (const track of tracks) {
      this.#tracks.delete(track.id); // so that the latest are the last to go
      this.#tracks.set(track.id, track);
    }
    for (const id of this.#tracks.keys()) {
      if (this.#tracks.size <= MAX_TRACKS) break;
      this.#tracks.delete(id);
    }
  }

  /** Make sure that the entries from one place to before another are known, and their tracks. */
  look(from, to) {
    for (let page = Math.floor(from / PAGE); page * PAGE < Math.min(to, this.total); page += 1) {
      const places = Array.from({ length: Math.min(PAGE, this.total - page * PAGE) }, (_, at) => page * PAGE + at);
      const known = places.every((place) => this.#tracks.has(this.#items[place]?.track_id));
      if (!known) this.#askPage(page);
    }
  }

  /**
   * Edit the queue; gives the ids of the entries that were made.
   * @throws {ApiError}
   */
  async order(action, data = {}) {
    const edit = this.#edits.then(() => orderQueue(action, data));
    this.#edits = edit.catch(() => {}); // whoever gave the order learns of it
    this.#unfinished += 1;
    try {
      const { revision, entry_ids } = await edit;
      this.#awaited = Math.max(this.#awaited, revision);
      return entry_ids ?? [];
    } catch (error) {
      if (action === "move") this.#refresh(); // it was shown before it was done
      throw error;
    } finally {
      this.#unfinished -= 1;
      this.#takeLatest();
    }
  }

  /** Have an entry at another place. @throws {ApiError} */
  move(entryId, index) {
    const from = this.indexOf(entryId);
    if (from >= 0 && index < this.#items.length) {
      this.#items.splice(index, 0, ...this.#items.splice(from, 1));
      this.#changed();
    }
    return this.order("move", { entry_id: entryId, to_index: index });
  }

  #greeted({ boot, session, state }) {
    this.#session = session;
    this.#boot = boot;
    this.#seq = state.seq;
    this.#awaited = 0;
    this.#take(state.player, state.queue);
  }

  #lost() {
    this.#session = null;
    this.player = { ...this.player, outputs: [] }; // nobody knows by now
    clearInterval(this.#ticking);
  }

  #told({ type, data }) {
    if (data?.seq === undefined) return;
    const missed = data.seq !== this.#seq + 1 || data.boot !== this.#boot;
    this.#seq = data.seq;
    this.#boot = data.boot;
    if (type === "library_updated" || type === "metadata_updated") this.#forgetTracks();
    if (missed) {
      this.#refresh();
      this.dispatchEvent(new Event("missed"));
    } else if (type === "player_state") this.#take(data, null);
    else if (type === "queue_changed") this.#take(null, data);
  }

  /** A snapshot instead of a change that was missed; what is told meanwhile is newer than that. */
  async #refresh() {
    try {
      const { track, ...player } = await fetchPlayer();
      if (player.boot !== this.#boot || player.seq < this.#seq) return this.#refresh();
      if (track) this.learn([track]);
      this.#seq = player.seq;
      this.#take(player, { ...player, entries: null });
    } catch (error) {
      this.#complain(error);
    }
  }

  #take(player, queue) {
    if (player) {
      this.player = player;
      this.#told_s = performance.now() / 1000;
      clearInterval(this.#ticking);
      if (this.elsewhere) this.#ticking = setInterval(() => this.#changed(), TICK_MS);
    }
    if (queue) this.#latest = queue;
    this.#takeLatest();
    this.#changed();
  }

  /** What was told before the edits made here were carried out would only be seen to jump. */
  #takeLatest() {
    const queue = this.#latest;
    if (!queue || this.#unfinished || queue.revision < this.#awaited) return;
    this.#latest = null;
    this.summary = queue;
    this.#items = queue.entries ?? [];
    this.#asked.clear();
    this.look(0, 1);
    this.#changed();
  }

  async #askPage(page) {
    const { revision } = this.summary;
    if (this.#asked.has(page)) return;
    this.#asked.add(page);
    try {
      const answer = await fetchQueue({ limit: PAGE, offset: page * PAGE });
      this.learn(answer.items.map(({ track_id, track }) => track ?? { id: track_id }));
      if (answer.revision === revision && revision === this.summary.revision) {
        for (const { position, entry_id, track_id } of answer.items) this.#items[position] ??= { entry_id, track_id };
      }
      this.#changed();
    } catch (error) {
      this.#asked.delete(page);
      this.#complain(error);
    }
  }

  /** They are asked for again; until then they are shown as they were. */
  #forgetTracks() {
    const known = [...this.#outdated, ...this.#tracks].filter(([, track]) => track);
    this.#outdated = new Map(known.slice(-MAX_TRACKS));
    this.#tracks.clear();
    this.#asked.clear();
    this.#changed();
  }

  async #askTrack(trackId) {
    this.#tracks.set(trackId, null);
    try {
      this.learn([await fetchTrack(trackId)]);
      this.#changed();
    } catch (error) {
      if (!error.missing) this.#complain(error); // a track that is gone leaves the queue, which is told in a moment
    }
  }

  #complain(error) {
    if (!(error instanceof ApiError)) throw error;
    this.dispatchEvent(new CustomEvent("problem", { detail: error.message }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
