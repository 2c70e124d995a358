/**
 * The play queue: only the rows in sight are in the document, however long the queue is. A row is moved by its grip, or
 * with Alt and an arrow key; the arrow keys go from row to row, and Delete takes one out.
 */

import { clockTime, countText, titleOf } from "../format.js";
import { RowDrag } from "./drag.js";
import { arrange, newRow, write } from "./rows.js";

const ROW_REM = 3.5;
const AROUND = 6;
const NEXT_MODE = { off: "all", all: "one", one: "off" };
const MODE_TEXTS = { off: "Repeat: off", all: "Repeat: the whole queue", one: "Repeat: this track" };

/** Says `jump` with an entry's id, `move` with `{entryId, index}`, and `order` with `{action, data}`. */
export class QueuePanel extends EventTarget {
  #elements;
  #queue;
  #rows = new Map(); // by the entries' ids
  #here = { entryId: null, playing: false };
  #focused = 0; // the place that Tab leads to
  #drag;

  /** @param {Record<string, HTMLElement>} elements by their ids @param {import("../queue.js").Queue} queue */
  constructor(elements, queue) {
    super();
    this.#elements = elements;
    this.#queue = queue;
    const { "queue-list": list, "queue-scroll": scroll } = elements;
    list.style.setProperty("--row", `${ROW_REM}rem`);
    scroll.addEventListener("scroll", () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe(scroll);
    list.addEventListener("click", ({ target }) => this.#clicked(target));
    list.addEventListener("keydown", (event) => this.#pressed(event));
    list.addEventListener("focusin", ({ target }) => {
      this.#focused = this.#placeOf(target) ?? this.#focused;
      this.#draw();
    });
    this.#drag = this.#newDrag(list, scroll);
    this.#wireOrders();
  }

  get open() {
    return !this.#elements.queue.hidden;
  }

  /** Show it or put it away; what is heard is brought into sight. */
  set open(open) {
    const { queue, "queue-open": button } = this.#elements;
    queue.hidden = !open;
    document.body.classList.toggle("queued", open);
    button.setAttribute("aria-expanded", String(open));
    if (open) this.#reveal(this.#queue.indexOf(this.#here.entryId), "center");
    this.#draw();
  }

  /** Show the queue as it is, and which entry is heard. */
  show(entryId, playing) {
    const { summary, total } = this.#queue;
    const { shuffle, repeat, undo, redo, "queue-count": count, "queue-empty": empty } = this.#elements;
    this.#here = { entryId, playing };
    shuffle.setAttribute("aria-pressed", String(summary.shuffled));
    repeat.setAttribute("aria-pressed", String(summary.repeat !== "off"));
    repeat.setAttribute("aria-label", MODE_TEXTS[summary.repeat]);
    repeat.title = MODE_TEXTS[summary.repeat];
    repeat.querySelector("use").setAttribute("href", summary.repeat === "one" ? "#icon-repeat-one" : "#icon-repeat");
    undo.disabled = !summary.can_undo;
    redo.disabled = !summary.can_redo;
    for (const id of ["queue-clear", "queue-save", "shuffle"]) this.#elements[id].disabled = !total;
    const text = countText(total, "track");
    if (count.textContent !== text) count.textContent = text;
    empty.hidden = total > 0;
    this.#draw();
  }

  get #rowHeight() {
    return ROW_REM * parseFloat(getComputedStyle(document.documentElement).fontSize);
  }

  /** Put the rows in sight into the document, and take others out. */
  #draw() {
    if (!this.open) return;
    const { "queue-list": list, "queue-scroll": scroll } = this.#elements;
    const height = this.#rowHeight;
    list.style.height = `${this.#queue.total * height}px`;
    const from = Math.max(0, Math.floor(scroll.scrollTop / height) - AROUND);
    const to = Math.min(this.#queue.total, Math.ceil((scroll.scrollTop + scroll.clientHeight) / height) + AROUND);
    this.#queue.look(from, to);
    this.#focused = Math.max(0, Math.min(this.#focused, this.#queue.total - 1));
    const kept = new Set(this.#drag.row && [Number(this.#drag.row.dataset.id)]);
    for (let index = from; index < to; index += 1) {
      const entry = this.#queue.at(index);
      if (entry) kept.add(this.#place(entry, index));
    }
    for (const [id, row] of this.#rows) {
      if (kept.has(id)) continue;
      row.remove();
      this.#rows.delete(id);
    }
    arrange(list, [...this.#rows.values()].sort((one, other) => one.dataset.index - other.dataset.index));
  }

  #place(entry, index) {
    const { entry_id: id, track_id } = entry;
    const row = this.#rows.get(id) ?? this.#newRow(id);
    const track = this.#queue.trackOf(track_id);
    const here = id === this.#here.entryId;
    write(row, ".title", titleOf(track));
    write(row, ".artist", track.artist);
    write(row, ".time", clockTime(track.duration_s ?? null));
    row.style.setProperty("--place", this.#drag.row === row ? this.#drag.place : index);
    row.dataset.index = index;
    row.setAttribute("aria-posinset", index + 1);
    row.setAttribute("aria-setsize", this.#queue.total);
    if (here) row.dataset.state = this.#here.playing ? "playing" : "paused";
    else delete row.dataset.state;
    const [entryButton, removeButton] = row.querySelectorAll("button");
    entryButton.setAttribute("aria-current", String(here));
    removeButton.setAttribute("aria-label", `Remove ${titleOf(track)} from the queue`);
    for (const button of [entryButton, removeButton]) button.tabIndex = index === this.#focused ? 0 : -1;
    return id;
  }

  #newRow(id) {
    const row = newRow(this.#elements["queue-row"]);
    row.dataset.id = id;
    this.#rows.set(id, row);
    return row;
  }

  #placeOf(element) {
    const row = element.closest("li");
    return row ? Number(row.dataset.index) : null;
  }

  #clicked(target) {
    const index = this.#placeOf(target);
    if (index === null) return;
    const entryId = this.#queue.at(index)?.entry_id;
    if (target.closest(".remove")) this.#remove(index);
    else if (target.closest(".entry")) this.#say("jump", entryId);
  }

  #pressed(event) {
    const index = this.#placeOf(event.target);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (index === null || (!step && event.key !== "Delete")) return;
    event.preventDefault();
    if (!step) this.#remove(index);
    else if (event.altKey) this.#move(index, index + step);
    else this.#focus(index + step);
  }

  #remove(index) {
    const entry = this.#queue.at(index);
    this.#say("order", { action: "remove", data: { entry_ids: [entry.entry_id] } });
    this.#focus(index + 1 < this.#queue.total ? index + 1 : index - 1);
  }

  #move(from, to) {
    if (to < 0 || to >= this.#queue.total) return;
    const { entry_id: entryId } = this.#queue.at(from);
    this.#focused = to;
    this.#say("move", { entryId, index: to });
    this.#reveal(to);
    this.tell(`Moved to place ${to + 1} of ${this.#queue.total}`);
  }

  #focus(index) {
    const entry = this.#queue.at(index);
    if (!entry) return;
    this.#focused = index;
    this.#reveal(index);
    this.#draw();
    this.#rows.get(entry.entry_id)?.querySelector(".entry").focus({ preventScroll: true });
  }

  /** Scroll so that a row is in sight. */
  #reveal(index, where = "nearest") {
    if (index < 0) return;
    const { "queue-scroll": scroll, "queue-list": list } = this.#elements;
    const height = this.#rowHeight;
    list.style.height = `${this.#queue.total * height}px`;
    const top = index * height;
    if (where === "center") scroll.scrollTop = top - scroll.clientHeight / 2;
    else scroll.scrollTop = Math.min(top, Math.max(scroll.scrollTop, top + height - scroll.clientHeight));
  }

  #newDrag(list, scroll) {
    return new RowDrag(list, {
      bounds: () => scroll.getBoundingClientRect(),
      scroll: (pixels) => (scroll.scrollTop += pixels),
      rowHeight: () => this.#rowHeight,
      total: () => this.#queue.total,
      show: () => this.#draw(),
      move: (from, to) => this.#move(from, to),
    });
  }

  #wireOrders() {
    const { shuffle, repeat, undo, redo, queue } = this.#elements;
    const order = (element, action, data = () => ({})) =>
      element.addEventListener("click", () => this.#say("order", { action, data: data() }));
    order(shuffle, "shuffle", () => ({ enabled: !this.#queue.summary.shuffled }));
    order(repeat, "repeat", () => ({ mode: NEXT_MODE[this.#queue.summary.repeat] }));
    order(undo, "undo");
    order(redo, "redo");
    order(this.#elements["queue-clear"], "clear");
    const { "queue-save": save, "queue-form": form, "queue-name": name } = this.#elements;
    save.addEventListener("click", () => {
      form.hidden = !form.hidden;
      if (!form.hidden) name.focus();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      form.hidden = true;
      save.focus();
      this.#say("order", { action: "save", data: { name: name.value.trim() } });
      form.reset();
    });
    queue.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape") return;
      this.#drag.end(false);
      if (form.contains(document.activeElement)) form.hidden = true;
      else this.open = false;
      this.#elements["queue-open"].focus();
    });
  }

  /** Say what has happened, for those who do not see it. */
  tell(text) {
    this.#elements["queue-said"].textContent = text;
  }

  /** Say that something was put in; whoever looks sees it at the button. */
  added(text) {
    const { "queue-open": button } = this.#elements;
    this.tell(text);
    button.classList.remove("added");
    requestAnimationFrame(() => button.classList.add("added"));
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
