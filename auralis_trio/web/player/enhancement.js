/**
 * What is to be done to the sound, as the server keeps it for the pages of all its listeners. The page shows what the
 * server says. A change made here is shown at once; what the server says before it has heard of the change is out of
 * date by then, so a ping is sent behind each change, and the server's word counts when that is answered.
 */

/** Says `change` when a setting has changed, here or elsewhere. */
export class Enhancement extends EventTarget {
  /** {enabled, preset, intensity, match_loudness}; null until the server has told. */
  settings = null;
  #line;
  #word = null; // the server's last
  #ticket = 0;

  /** @param {import("./socket.js").Line} line */
  constructor(line) {
    super();
    this.#line = line;
    line.addEventListener("hello", ({ detail }) => this.#hear(detail.state.enhancement));
    line.addEventListener("message", ({ detail: { type, data } }) => {
      if (type === "enhancement_settings_changed") this.#hear(data);
      if (type === "pong") this.#hear(this.#word);
    });
  }

  /** The server was told these settings just now. */
  tell(settings) {
    this.#ticket = this.#line.ping();
    this.#show(settings);
  }

  #hear(word) {
    this.#word = word;
    if (this.#line.answered(this.#ticket)) this.#show(word);
  }

  #show({ enabled, preset, intensity, match_loudness }) {
    const settings = { enabled, preset, intensity, match_loudness };
    if (JSON.stringify(settings) === JSON.stringify(this.settings)) return;
    this.settings = settings;
    this.dispatchEvent(new Event("change"));
  }
}
