/** The level meter: two bars on a decibel scale. It moves only while there is something to see and someone to see it. */

const FLOOR_DB = -48;
const FALL = 0.94;

export class LevelMeter {
  #bars;
  #levels;
  #shown = [0, 0];
  #running = false;

  /** @param {HTMLElement[]} bars left and right @param {() => number[]} levels peaks as fractions of full scale */
  constructor(bars, levels) {
    this.#bars = bars;
    this.#levels = levels;
  }

  /** Follow the sound while `playing`; a little longer, until the bars have fallen. */
  follow(playing) {
    this.playing = playing;
    if (playing && !this.#running) this.#tick();
  }

  #tick() {
    const levels = this.playing ? this.#levels() : [0, 0];
    this.#shown = levels.map((level, side) => Math.max(part(level), this.#shown[side] * FALL));
    this.#bars.forEach((bar, side) => {
      bar.style.transform = `scaleX(${this.#shown[side].toFixed(4)})`;
    });
    this.#running = this.playing || this.#shown.some((shown) => shown > 0.001);
    if (this.#running) requestAnimationFrame(() => this.#tick());
  }
}

/** How far a bar reaches for a level: 0 at the floor, 1 at full scale. */
function part(level) {
  const level_db = 20 * Math.log10(level);
  return Math.min(1, Math.max(0, 1 - level_db / FLOOR_DB));
}
