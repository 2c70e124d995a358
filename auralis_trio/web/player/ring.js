/**
 * A ring buffer of planar samples with a fixed size. Pure; it never invents a frame, and drops one only where it is cut.
 */

export class Ring {
  #planes;
  #capacity;
  #start = 0;
  #position = 0;
  #skip = 0;

  constructor(channels, capacityFrames) {
    this.#planes = Array.from({ length: channels }, () => new Float32Array(capacityFrames));
    this.#capacity = capacityFrames;
    this.buffered = 0;
  }

  /** Take `planes` in whole, or not at all: false says that there is no room. */
  write(planes) {
    const skipped = Math.min(this.#skip, planes[0].length);
    if (skipped) return this.#writeBehind(planes, skipped);
    const frames = planes[0].length;
    if (frames > this.#capacity - this.buffered) return false;
    const at = (this.#start + this.buffered) % this.#capacity;
    const head = Math.min(frames, this.#capacity - at);
    planes.forEach((plane, channel) => {
      this.#planes[channel].set(plane.subarray(0, head), at);
      this.#planes[channel].set(plane.subarray(head), 0);
    });
    this.buffered += frames;
    return true;
  }

  /** Move the next `frames` frames, at most those buffered, to the front of `outputs`. */
  read(outputs, frames) {
    const head = Math.min(frames, this.#capacity - this.#start);
    this.#planes.forEach((plane, channel) => {
      outputs[channel].set(plane.subarray(this.#start, this.#start + head));
      outputs[channel].set(plane.subarray(0, frames - head), head);
    });
    this.#start = (this.#start + frames) % this.#capacity;
    this.#position += frames;
    this.buffered -= frames;
  }

  /**
   * What is written next takes the place of all from the frame number `frame` on, counted from the first one ever
   * written. Where reading is past that frame already, as much of what is written is skipped: no place is read twice.
   */
  cut(frame) {
    this.buffered = Math.max(0, Math.min(this.buffered, frame - this.#position));
    this.#skip = Math.max(0, this.#position - frame);
  }

  #writeBehind(planes, skipped) {
    this.#skip -= skipped;
    return this.write(planes.map((plane) => plane.subarray(skipped)));
  }
}
