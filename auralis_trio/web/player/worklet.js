/** The feed in the audio thread: 128 frames a tick, commands and reports over the port. */

import { newFeed } from "./twin.js";

class FeedProcessor extends AudioWorkletProcessor {
  #feed;
  #open = true;

  constructor({ processorOptions }) {
    super();
    this.#feed = newFeed(processorOptions);
    this.port.onmessage = ({ data: { command, value } }) => {
      if (command === "close") this.#open = false;
      else this.#feed[command](value);
      this.#report();
    };
  }

  process(_inputs, [outputs]) {
    if (!this.#open) return false;
    this.#feed.render(outputs);
    this.#report();
    return true;
  }

  #report() {
    const report = this.#feed.report();
    if (report) this.port.postMessage(report);
  }
}

registerProcessor("feed", FeedProcessor);
