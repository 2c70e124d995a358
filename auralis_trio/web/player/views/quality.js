/**
 * The quality on this device: in which form the sound is sent to it. It is remembered in this browser, and what the
 * browser cannot decode is not to be chosen.
 */

import { decodable } from "../decoding.js";
import { recall, remember } from "../prefs.js";

const COMPRESSED = ["flac", "opus"];
const MANY_UNDERRUNS = 3;
const TOO_SLOW = "The connection is too slow for the sound as it is sent.";

/** What needs less data than each encoding, the least first; the rest can have either of two. */
const SMALLER = { opus: [], flac: ["opus"], s16: ["opus"] };
const SMALL = ["opus", "s16"];

/** How that is offered to whoever is interrupted again and again. */
const OFFERS = {
  opus: { text: `${TOO_SLOW} As Opus it needs a tenth of the data, with a little loss.`, label: "Send Opus" },
  s16: { text: `${TOO_SLOW} With 16 bit it needs up to half of the data less.`, label: "Send 16 bit" },
};

/** Says `change` when another form is to be used. */
export class QualityChoice extends EventTarget {
  #select;
  #note;
  #offered = new Set(); // each of them once while the page is open

  /**
   * @param {HTMLSelectElement} select with an option for each form; see `encodingOf`
   * @param {HTMLElement} note where the chosen one is explained
   */
  constructor(select, note) {
    super();
    this.#select = select;
    this.#note = note;
    // What was chosen before could be decoded then, so it is used at once.
    if (!globalThis.AudioDecoder) this.#withdraw(COMPRESSED);
    this.#show(recall("encoding", "exact"));
    select.addEventListener("change", () => this.choose(select.value));
    this.#ask();
  }

  /** The form that is chosen. */
  get form() {
    return this.#select.value;
  }

  /** Use this form from now on, also when the page is opened again. */
  choose(form) {
    this.#show(form);
    remember("encoding", this.form);
    this.dispatchEvent(new Event("change"));
  }

  /**
   * What is to be offered where the sound was interrupted so often in this encoding, `{text, label, form}`, or null.
   */
  offer({ underruns, encoding }) {
    if (underruns < MANY_UNDERRUNS) return null;
    const form = (SMALLER[encoding] ?? SMALL).find((one) => this.#has(one));
    if (!form || this.#offered.has(form)) return null;
    this.#offered.add(form);
    return { ...OFFERS[form], form };
  }

  async #ask() {
    const possible = await decodable();
    const { form } = this;
    this.#withdraw(COMPRESSED.filter((codec) => !possible.includes(codec)));
    this.#show(form);
    if (this.form !== form) this.dispatchEvent(new Event("change"));
  }

  #withdraw(forms) {
    for (const option of [...this.#select.options]) if (forms.includes(option.value)) option.remove();
  }

  #show(form) {
    this.#select.value = this.#has(form) ? form : "exact";
    this.#note.textContent = this.#select.selectedOptions[0].dataset.note;
  }

  #has(form) {
    return [...this.#select.options].some(({ value }) => value === form);
  }
}
