/** The notice: one text for people, which they can put away, and something that they can do about it. */

export class Notice {
  #elements;
  #act = null;

  /** @param {Record<string, HTMLElement>} elements by their ids */
  constructor(elements) {
    this.#elements = elements;
    elements["notice-close"].addEventListener("click", () => this.tell(""));
    elements["notice-act"].addEventListener("click", () => {
      const act = this.#act;
      this.tell("");
      act();
    });
  }

  /** Show a text instead of the one before; an empty one leaves none. @param {{label: string, act: () => void}} [offer] */
  tell(text, { label = "", act = null } = {}) {
    const { notice, "notice-close": close, "notice-act": button } = this.#elements;
    this.#act = act;
    notice.textContent = text;
    close.hidden = !text;
    button.textContent = label;
    button.hidden = !act;
  }
}
