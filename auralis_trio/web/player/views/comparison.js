/** The face of the comparison: which of A, B and X is heard, the votes of a blind test, and how it stands. */

import { A, B } from "../abx.js";
import { chanceText } from "../format.js";

const LETTERS = ["A", "B"];
const HINT = "Both are equally loud. The keys A and B change over.";
const BLIND_HINT = "X is A or B. Listen to all three as long as you like, then say which it is.";

export class ComparisonPanel {
  #elements;
  #comparison;

  /** @param {Record<string, HTMLElement>} elements by their ids @param {import("../comparison.js").Comparison} comparison */
  constructor(elements, comparison) {
    this.#elements = elements;
    this.#comparison = comparison;
    this.#on("hear-a", () => comparison.choose(A));
    this.#on("hear-b", () => comparison.choose(B));
    this.#on("hear-x", () => comparison.choose("x"));
    this.#on("vote-a", () => this.#vote(A));
    this.#on("vote-b", () => this.#vote(B));
    this.#on("blind-again", () => this.#begin());
    this.#on("blind", () => {
      if (!comparison.blind) return this.#begin();
      comparison.reveal();
      return this.#score(HINT);
    });
  }

  show() {
    const { compare, comparison: panel } = this.#elements;
    const { active, blind, choice } = this.#comparison;
    if (panel.hidden === active) this.#score(HINT);
    panel.hidden = !active;
    panel.classList.toggle("blind", blind !== null);
    compare.setAttribute("aria-pressed", String(active));
    if (!active) return;
    for (const [name, of] of [["hear-a", A], ["hear-b", B], ["hear-x", "x"]]) {
      this.#elements[name].setAttribute("aria-pressed", String(choice === of));
    }
    for (const name of ["hear-x", "votes", "blind-again"]) this.#elements[name].hidden = !blind;
    this.#elements.blind.textContent = blind ? "End the blind test" : "Blind test";
  }

  #begin() {
    this.#comparison.begin();
    this.#score(BLIND_HINT);
  }

  #vote(side) {
    const x = this.#comparison.vote(side);
    const { right, total, chance } = this.#comparison.blind;
    const verdict = `${side === x ? "Right" : "Wrong"}: X was ${LETTERS[x]}.`;
    this.#score(`${verdict} ${right} of ${total} right: by guessing alone that happens in ${chanceText(chance)} of runs.`);
  }

  #score(text) {
    this.#elements.score.textContent = text;
  }

  #on(name, action) {
    this.#elements[name].addEventListener("click", action);
  }
}
