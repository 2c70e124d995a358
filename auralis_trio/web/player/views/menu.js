/** The menu of a track: one for all rows, opened at the button that asked for it. */

const MARGIN = 8;

/** Says `choose` with `{action, track}`. */
export class TrackMenu extends EventTarget {
  #menu;
  #track = null;
  #button = null;

  /** @param {HTMLElement} menu a popover whose buttons have the action as their value */
  constructor(menu) {
    super();
    this.#menu = menu;
    menu.addEventListener("click", ({ target, detail }) => this.#chosen(target.closest("button"), detail > 0));
    menu.addEventListener("keydown", (event) => this.#pressed(event));
    menu.addEventListener("toggle", ({ newState }) => {
      this.#button?.setAttribute("aria-expanded", String(newState === "open"));
    });
  }

  /** Open it for a track, at the button that was pressed. */
  open(track, button) {
    this.#track = track;
    this.#button = button;
    this.#menu.showPopover();
    const { right, top, bottom } = button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#menu;
    const below = bottom + height + MARGIN < innerHeight;
    this.#menu.style.left = `${Math.max(MARGIN, right - width)}px`;
    this.#menu.style.top = `${below ? bottom : top - height}px`;
    this.#menu.querySelector("button").focus();
  }

  #pressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...this.#menu.querySelectorAll("button")];
    items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
  }

  /** Whoever came by the keyboard is back at the button; after a click the keys are the player's. */
  #chosen(button, byPointer) {
    if (!button) return;
    this.#menu.hidePopover();
    if (byPointer) this.#button.blur();
    else this.#button.focus();
    this.dispatchEvent(new CustomEvent("choose", { detail: { action: button.value, track: this.#track } }));
  }
}
