/**
 * The comparison: the same track as recorded (A) and mastered (B), level-matched by the server, on two lines of their
 * own into one deck that keeps them in step. Changing over happens at the frame that is heard. At the track's end both
 * begin it again. Each side waits in a ring of its own, which holds what one stream may have sent: 8 s or 16 MiB, and
 * its first credit.
 */

import { A, B, BlindTest } from "./abx.js";
import { PairedOutput } from "./pair.js";
import { Playback } from "./playback.js";
import { frameAt } from "./position.js";
import { Line } from "./socket.js";

/** Has the face of a playback, also in what it says. */
export class Comparison extends EventTarget {
  active = false;
  /** What was chosen: A, B, or "x" in a blind test. */
  choice = A;
  /** The blind test under way, or null. */
  blind = null;
  #wish = null; // what the mastered side is
  #paired;
  #lines;
  #sides;

  /**
   * @param {string} url of the WebSocket
   * @param {import("./output.js").Output} output
   * @param {import("./tap.js").Tap | null} tap
   */
  constructor(url, output, tap) {
    super();
    this.#paired = new PairedOutput(output);
    this.#lines = [A, B].map(() => new Line(url));
    this.#sides = [A, B].map(
      (side) => new Playback(this.#lines[side], this.#paired.ways[side], side === A ? tap : null),
    );
    for (const side of this.#sides) {
      for (const kind of ["note", "problem"]) side.addEventListener(kind, ({ detail }) => this.#say(kind, detail));
    }
    this.#sides[A].addEventListener("change", () => this.#changed());
    for (const line of this.#lines) line.addEventListener("hello", () => line.send("subscribe", { topics: [] }));
  }

  /** As that of a playback. What is heard is told by `choice` alone. */
  get state() {
    const [original, mastered] = this.#sides.map(({ state }) => state);
    return { ...original, waiting: original.waiting || mastered.waiting };
  }

  /** What is done to the sound that is heard; of X nothing is told. */
  get sound() {
    return this.blind ? null : { ...this.#wish, enhanced: this.choice === B };
  }

  /** Whether it compares with this mastered sound. */
  hasSound({ preset, intensity }) {
    return this.#wish.preset === preset && this.#wish.intensity === intensity;
  }

  /**
   * Begin at a frame of a track, hearing A or B.
   * @param {{track: object, frame: number, sampleRate: ?number, playing: boolean}} place
   * @param {{preset: string, intensity: number}} sound of the mastered side
   */
  open({ track, playing, ...position }, { preset, intensity }, choice) {
    if (!this.active) for (const line of this.#lines) line.open();
    this.active = true;
    const frame = frameAt(position, track.sample_rate);
    this.#wish = { enhanced: true, preset, intensity, match_loudness: true };
    this.#each((side, number) => {
      side.wish = { ...this.#wish, enhanced: number === B };
      side.park({ track, frame });
    });
    this.choose(choice);
    if (playing) this.resume();
  }

  /** Hang up; gives the place that was reached. */
  close() {
    const { state } = this;
    this.active = false;
    this.blind = null;
    this.#each((side) => side.park());
    for (const line of this.#lines) line.close();
    this.#changed();
    return state;
  }

  /** Hear A, B or "x" from the next frame on. */
  choose(choice) {
    this.choice = choice;
    this.#paired.hear(this.blind?.sideOf(choice) ?? choice);
    this.#changed();
  }

  /** Begin a blind test, or begin it again. */
  begin() {
    this.blind = new BlindTest();
    this.choose("x");
  }

  /** The listener says that X is A or B; gives what it was. The next trial begins with A, so that X may change unheard. */
  vote(side) {
    const x = this.blind.vote(side);
    this.choose(A);
    return x;
  }

  /** Leave the blind test, and stay in the comparison. */
  reveal() {
    this.blind = null;
    this.choose(A);
  }

  pause() {
    this.#each((side) => side.pause());
  }

  resume() {
    this.#each((side) => side.resume());
  }

  seek(frame) {
    this.#each((side) => side.seek(frame));
  }

  /** Whatever was chosen, it is never what an encoder has made of the sound that is compared. */
  set form(form) {
    this.#each((side) => {
      side.form = form === "s16" ? form : "exact";
    });
  }

  #each(action) {
    this.#sides.forEach(action);
  }

  #changed() {
    this.#say("change");
  }

  #say(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
