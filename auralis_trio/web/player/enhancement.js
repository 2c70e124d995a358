/**
 * What is to be done to the sound, as the server keeps it for the pages of all its listeners. The page shows what the
 * server says; a change made here is shown at once, and is the server's word soon after.
 */

/** Says `change` when a setting has changed, here or elsewhere. */
export class Enhancement extends EventTarget {
  /** {enabled, preset, intensity, match_loudness}; null until the server has told. */
  settings = null;
  #told = null; // what the server was told last, until it says the same: its word on what was told before is out of date

  /** @param {import("./socket.js").Line} line */
  constructor(line) {
    super();
    line.addEventListener("hello", ({ detail }) => this.#hear(detail.state.enhancement));
    line.addEventListener("message", ({ detail: { type, data } }) => {
      if (type === "enhancement_settings_changed" && (!this.#told || same(data, this.#told))) this.#hear(data);
    });
  }

  /** The server was told these settings. */
  tell(settings) {
    this.#told = settings;
    this.#show(settings);
  }

  #hear(settings) {
    this.#told = null;
    if (settings) this.#show(settings);
  }

  #show({ enabled, preset, intensity, match_loudness }) {
    const settings = { enabled, preset, intensity, match_loudness };
    if (this.settings && same(settings, this.settings)) return;
    this.settings = settings;
    this.dispatchEvent(new Event("change"));
  }
}

function same(one, other) {
  return ["enabled", "preset", "intensity", "match_loudness"].every((name) => one[name] === other[name]);
}
