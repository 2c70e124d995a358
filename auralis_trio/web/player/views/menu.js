/** The menu of a track: one for all rows, opened at the button that asked for it. */

const MARGIN = 8;

/** Says `choose` with what it was opened for and the `action`. */
export class TrackMenu extends EventTarget {
  #menu;
  #about = null;

  /** @param {HTMLElement} menu a popover whose buttons have the action as their value */
  constructor(menu) {
    super();
    this.#menu = menu;
    menu.addEventListener("click", ({ target, detail }) => this.#chosen(target.closest("button"), detail > 0));
    menu.addEventListener("keydown", (event) => this.#pressed(event));
    menu.addEventListener("toggle", ({ newState }) => {
      this.#about?.button.setAttribute("aria-expanded", String(newState === "open"));
    });
  }

  /**
   * Open it for a track, at the button that was pressed.
   * @param {{track: object, button: Element, atAlbum: ?boolean, remove: ?() => void}} about what can be done here
   */
  open(about) {
    this.#about = about;
    this.#offer(about);
    this.#menu.showPopover();
    const { right, top, bottom } = about.button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.#menu;
    const below = bottom + height + MARGIN < innerHeight;
    this.#menu.style.left = `${Math.max(MARGIN, right - width)}px`;
    this.#menu.style.top = `${below ? bottom : Math.max(MARGIN, top - height)}px`;
    this.#items[0].focus();
  }

  /** What can be done with this track, and here. */
  #offer({ track, atAlbum, remove }) {
    const find = (action) => this.#menu.querySelector(`[value="${action}"]`);
    find("album").hidden = atAlbum || track.album_id === null;
    find("remove").hidden = !remove;
    find("favorite").textContent = track.favorite ? "Remove from your favourites" : "Add to your favourites";
  }

  get #items() {
    return [...this.#menu.querySelectorAll("button:not([hidden])")];
  }

  #pressed(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = this.#items;
    items.at((items.indexOf(document.activeElement) + step) % items.length).focus();
  }

  /** Whoever came by the keyboard is back at the button; after a click the keys are the player's. */
  #chosen(button, byPointer) {
    if (!button) return;
    this.#menu.hidePopover();
    if (byPointer) this.#about.button.blur();
    else this.#about.button.focus();
    this.dispatchEvent(new CustomEvent("choose", { detail: { ...this.#about, action: button.value } }));
  }
}
