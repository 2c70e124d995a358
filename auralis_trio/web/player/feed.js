/**
 * The feed: what the audio thread does with the samples that arrive. It hands them on in order, counts those it
 * handed on, and knows the last one. Pure: worklet.js and deck.js give it the ticks.
 */

import { Ring } from "./ring.js";

export class Feed {
  #ring;
  #settings;
  #paused = false;
  #waiting = true;
  #end = null;
  #ended = false;
  #overrun = false;
  #played = 0;
  #underruns = 0;
  #reported = 0;
  #neededFrames;
  #news = false;
  #tapped = [];

  /**
   * @param {{channels: number, capacityFrames: number, startFrames: number, refillFrames: number,
   *   mostFrames: number, reportFrames: number, tap: boolean}} settings `startFrames` must be there before the first
   *   sound, `refillFrames` before sound goes on after an underrun, after each further one twice as many as before, but
   *   no more than `mostFrames`.
   * @param {Ring | import("./twin.js").TwinRing} ring where samples wait
   */
  constructor(settings, ring = new Ring(settings.channels, settings.capacityFrames)) {
    this.#settings = settings;
    this.#ring = ring;
    this.#neededFrames = settings.startFrames;
  }

  /** More samples. Those that find no room were never granted; the report says so. */
  push(planes) {
    if (this.#ring.write(planes)) return;
    this.#overrun = true;
    this.#news = true;
  }

  /** What is pushed next takes the place of all from a frame on; see the ring's `cut`. */
  cut(place) {
    this.#ring.cut(place);
  }

  /** Nothing follows the frame number `frames`, counted from the first one; null: something does after all. */
  finish(frames) {
    this.#end = frames;
    this.#ended = false;
  }

  pause() {
    this.#paused = true;
    this.#news = true;
  }

  resume() {
    this.#paused = false;
  }

  /** Fill `outputs` (one array a channel): with samples as far as there are any, with silence behind them. */
  render(outputs) {
    const size = outputs[0].length;
    const frames = this.#paused || this.#holdsBack() ? 0 : Math.min(size, this.#ring.buffered);
    this.#ring.read(outputs, frames);
    for (const output of outputs) output.fill(0, frames);
    this.#played += frames;
    if (this.#settings.tap && frames) this.#tapped.push(outputs.map((output) => output.slice(0, frames)));
    if (this.#played === this.#end) this.#close();
    else if (!this.#paused && !this.#waiting && frames < size) this.#starve();
  }

  /** What the page should know, or null while there is nothing new. `ended` is said once. */
  report() {
    const due = this.#played - this.#reported >= this.#settings.reportFrames;
    if (!due && !this.#news) return null;
    const report = {
      played: this.#played,
      underruns: this.#underruns,
      waiting: this.#waiting,
      overrun: this.#overrun,
      ended: this.#ended,
      tapped: this.#tapped,
    };
    this.#reported = this.#played;
    this.#news = false;
    this.#tapped = [];
    return report;
  }

  #holdsBack() {
    if (this.#waiting && (this.#end !== null || this.#ring.buffered >= this.#neededFrames)) {
      this.#waiting = false;
      this.#news = true;
    }
    return this.#waiting;
  }

  /** Where one interruption follows another, longer ones that are rarer are easier to bear. */
  #starve() {
    const { refillFrames, mostFrames } = this.#settings;
    this.#waiting = true;
    this.#underruns += 1;
    this.#neededFrames = Math.min(refillFrames * 2 ** (this.#underruns - 1), mostFrames);
    this.#news = true;
  }

  #close() {
    if (this.#ended) return;
    this.#ended = true;
    this.#news = true;
  }
}
