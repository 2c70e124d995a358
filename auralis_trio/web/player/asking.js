/**
 * What the page has said to the server, and whether the server has carried it all out. What it tells before then may
 * be from a time when it did not know of it yet.
 */

import { ApiError } from "./api.js";
import { FIRST_FRAMES } from "./credit.js";
import { startOf } from "./position.js";

export class Asking {
  #line;
  #lost = true; // nothing is known of what was said on an earlier line
  #ticket = 0;
  #requests = 0;

  /** @param {import("./socket.js").Line} line */
  constructor(line) {
    this.#line = line;
    line.addEventListener("state", ({ detail }) => {
      if (detail !== "open") this.#lost = true;
    });
  }

  /** Whether all has been carried out. */
  get answered() {
    return !this.#lost && !this.#requests && this.#line.answered(this.#ticket);
  }

  /** The line is open again, and what is to go on has been said. */
  begin() {
    this.#lost = false;
  }

  /** Say something on the line; false says that it is down and nobody has heard it. */
  say(type, data = {}) {
    const sent = this.#line.send(type, data);
    if (sent) this.#ticket = this.#line.ping();
    return sent;
  }

  /** Ask to play here from a place in the queue on, others stopping; no frame: from where the player is. */
  play(place, encoding) {
    return this.say("play", {
      entry_id: place.entryId,
      ...startOf(place),
      takeover: true,
      encoding,
      transport: "binary",
      credit: FIRST_FRAMES,
    });
  }

  /** Ask for something over HTTP; gives what is wrong with it, or null. @returns {Promise<string | null>} */
  async request(action) {
    this.#requests += 1;
    try {
      await action();
      return null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return error.message;
    } finally {
      this.#requests -= 1;
    }
  }
}
