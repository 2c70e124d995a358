/**
 * Rows that are moved by their grips. The dragged row follows the pointer, at the edges its list is scrolled, and where
 * it is let go it stands. A row's place is its `data-index`.
 */

const EDGE_PX = 48;
const SCROLL_PX = 12;

export class RowDrag {
  /** The row that is dragged, null while none is, and the place that it is over, in rows and parts of rows. */
  row = null;
  place = 0;
  #list;
  #parts;

  /**
   * @param {Element} list
   * @param {object} parts
   * @param {() => {top: number, bottom: number}} parts.bounds what is in sight of the list
   * @param {(pixels: number) => void} parts.scroll
   * @param {() => number} parts.rowHeight in pixels
   * @param {() => number} parts.total how many rows there are
   * @param {() => void} parts.show the row has gone on, or is let go
   * @param {(from: number, to: number) => void} parts.move
   */
  constructor(list, parts) {
    this.#list = list;
    this.#parts = parts;
    list.addEventListener("pointerdown", (event) => this.#begin(event));
    list.addEventListener("pointermove", ({ clientY }) => this.row && this.#goOn(clientY));
    list.addEventListener("pointerup", () => this.end(true));
    list.addEventListener("pointercancel", () => this.end(false));
  }

  /** Let the row go, where it is or where it was. */
  end(moved) {
    if (!this.row) return;
    const [from, to] = [Number(this.row.dataset.index), Math.round(this.place)];
    this.row.classList.remove("dragged");
    this.row = null;
    if (moved && from !== to) this.#parts.move(from, to);
    this.#parts.show();
  }

  #begin(event) {
    const row = event.target.closest(".grip")?.closest("li");
    if (!row || event.button) return;
    event.preventDefault();
    this.#list.setPointerCapture(event.pointerId);
    row.classList.add("dragged");
    this.row = row;
    this.place = Number(row.dataset.index);
  }

  #goOn(clientY) {
    const { bounds, scroll, rowHeight, total, show } = this.#parts;
    const { top, bottom } = bounds();
    if (clientY < top + EDGE_PX) scroll(-SCROLL_PX);
    if (clientY > bottom - EDGE_PX) scroll(SCROLL_PX);
    const place = (clientY - this.#list.getBoundingClientRect().top) / rowHeight() - 0.5;
    this.place = Math.max(0, Math.min(place, total() - 1));
    show();
  }
}
