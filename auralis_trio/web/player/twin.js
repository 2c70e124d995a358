/**
 * The twin feed: two versions of the same frames side by side. Both are read frame by frame in step, and one is heard;
 * changing over is a fade of 10 ms at the frame that is due, with gains that add up to one. Pure, as the feed is.
 */

import { Feed } from "./feed.js";
import { Ring } from "./ring.js";

const FADE_S = 0.01;

/** A ring for each version, with the face of one ring. */
export class TwinRing {
  #rings;
  #planes = null;
  #fadeFrames;
  #turned = 0; // frames of the fade behind us: 0 hears the first version, all of them the second
  #heard = 0;

  constructor({ channels, capacityFrames, sampleRate }) {
    this.#rings = [0, 1].map(() => new Ring(channels, capacityFrames));
    this.#fadeFrames = Math.ceil(FADE_S * sampleRate);
  }

  /** Frames that are there in both versions. */
  get buffered() {
    return Math.min(...this.#rings.map(({ buffered }) => buffered));
  }

  write({ side, planes }) {
    return this.#rings[side].write(planes);
  }

  cut({ side, frame }) {
    this.#rings[side].cut(frame);
  }

  /** Hear version 0 or 1 from the next frame on; before the first one there is nothing to fade from. */
  hear(side) {
    this.#heard = side;
    if (!this.#planes) this.#turned = this.#goal;
  }

  get #goal() {
    return this.#heard ? this.#fadeFrames : 0;
  }

  read(outputs, frames) {
    if (!frames) return;
    const versions = this.#take(outputs, frames);
    const mixed = this.#fade(outputs, versions, frames);
    outputs.forEach((output, channel) => output.set(versions[this.#heard][channel].subarray(mixed, frames), mixed));
  }

  #take(outputs, frames) {
    this.#planes ??= this.#rings.map(() => outputs.map((output) => new Float32Array(output.length)));
    this.#rings.forEach((ring, side) => ring.read(this.#planes[side], frames));
    return this.#planes;
  }

  /** Mix while the fade lasts; gives the number of frames that it lasted. */
  #fade(outputs, [first, second], frames) {
    const [goal, step] = [this.#goal, this.#heard ? 1 : -1];
    let frame = 0;
    for (; frame < frames && this.#turned !== goal; frame += 1) {
      this.#turned += step;
      const share = this.#turned / this.#fadeFrames;
      outputs.forEach((output, channel) => {
        output[frame] = first[channel][frame] * (1 - share) + second[channel][frame] * share;
      });
    }
    return frame;
  }
}

/** A feed of two versions; `push` and `cut` say which side they mean. */
export class TwinFeed extends Feed {
  #twin;

  constructor(settings) {
    const twin = new TwinRing(settings);
    super(settings, twin);
    this.#twin = twin;
  }

  hear(side) {
    this.#twin.hear(side);
  }
}

/** The feed that `settings` ask for. */
export function newFeed(settings) {
  return settings.twin ? new TwinFeed(settings) : new Feed(settings);
}
