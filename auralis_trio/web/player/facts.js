/** What is known of how tracks are mastered: asked for once, kept for the last few. */

import { ApiError, fetchParameters } from "./api.js";

const KEPT = 32;

/** Says `change` when something has become known. */
export class Facts extends EventTarget {
  #known = new Map(); // null while it is asked for

  /** What mastering does to a track, or null while it is not known. */
  parameters(track, { preset, intensity }) {
    const key = [track.id, preset, intensity].join(" ");
    if (!this.#known.has(key)) this.#ask(key, track, { preset, intensity });
    return this.#known.get(key) ?? null;
  }

  async #ask(key, track, sound) {
    this.#known.set(key, null);
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value);
    try {
      this.#known.set(key, await fetchParameters(track.id, sound));
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error; // the line then says less, and the report says why
    }
  }
}
