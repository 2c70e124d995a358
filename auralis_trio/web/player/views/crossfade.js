/** How long tracks go over into each other: a setting of the server, for all who listen; shown where it has one. */

import { ApiError, changeSettings, fetchSettings } from "../api.js";

/** Says `problem` with a text for people. */
export class Crossfade extends EventTarget {
  #elements;

  /** @param {Record<string, HTMLElement>} elements by their ids */
  constructor(elements) {
    super();
    this.#elements = elements;
    const { crossfade } = elements;
    crossfade.addEventListener("input", () => this.#showText());
    crossfade.addEventListener("change", () => this.#told(changeSettings({ crossfade_s: Number(crossfade.value) })));
  }

  /** Show the setting as it is now. */
  ask() {
    return this.#told(fetchSettings());
  }

  async #told(answer) {
    try {
      this.#show((await answer).crossfade_s);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.dispatchEvent(new CustomEvent("problem", { detail: error.message }));
    }
  }

  #show(crossfade_s) {
    const { crossfade, "crossfade-choice": choice } = this.#elements;
    choice.hidden = crossfade_s === undefined;
    crossfade.value = crossfade_s ?? 0;
    this.#showText();
  }

  #showText() {
    const { crossfade, "crossfade-text": text } = this.#elements;
    crossfade.style.setProperty("--part", Number(crossfade.value) / Number(crossfade.max));
    text.textContent = Number(crossfade.value) ? `${crossfade.value} s` : "off";
    crossfade.setAttribute("aria-valuetext", text.textContent);
  }
}
