/** A question that has to be answered first: for a name, or whether it is meant. */

export class Question {
  #dialog;
  #parts;
  #answer = () => {};

  /** @param {HTMLDialogElement} dialog with a title, a text, a form with a field, and a button that leaves it */
  constructor(dialog) {
    this.#dialog = dialog;
    const find = (selector) => dialog.querySelector(selector);
    this.#parts = { title: find("h2"), text: find("p"), field: find("input"), yes: find("[type=submit]") };
    find("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#answer(this.#parts.field.value.trim());
      dialog.close();
    });
    find("[type=button]").addEventListener("click", () => dialog.close());
    dialog.addEventListener("close", () => this.#answer(null));
  }

  /**
   * Ask it.
   * @param {{title: string, text?: string, name?: ?string, action: string}} question with a `name`, for that
   * @returns {Promise<?string>} the name, or anything for yes; null if it was left
   */
  ask({ title, text = "", name = null, action }) {
    const { title: heading, text: note, field, yes } = this.#parts;
    heading.textContent = title;
    note.textContent = text;
    note.hidden = !text;
    field.hidden = field.disabled = name === null;
    field.value = name ?? "";
    yes.textContent = action;
    this.#dialog.showModal();
    field.select();
    return new Promise((resolve) => {
      this.#answer = resolve;
    });
  }
}
