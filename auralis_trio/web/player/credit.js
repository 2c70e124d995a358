/**
 * Credit: how many frames of a stream the server may have sent, reckoned from what was heard.
 * As `sent - heard` never passes the window, the window is all that a buffer has to hold. Pure.
 */

const WINDOW_S = 8;
const WINDOW_BYTES = 16 * 2 ** 20;
const STEP_S = 0.25;
const SAMPLE_BYTES = 4;

/** What may be sent before there is anything to play it; no window is smaller. */
export const STARTING_FRAMES = 65_536;

/** Packets at the usual rates are this long, and begin at its multiples. */
const PACKET_FRAMES = 8_192;

/**
 * The credit that each stream of the queue begins with: enough to go on with until the first message has come to the
 * server, and little, since it begins one stream behind the other whether or not there is room for it.
 */
export const FIRST_FRAMES = 4 * PACKET_FRAMES;

/** Frames that may be on their way or waiting: 8 s of the stream, or what 16 MiB hold. */
export function windowFrames(sampleRate, channels) {
  const frames = Math.min(WINDOW_S * sampleRate, Math.floor(WINDOW_BYTES / (channels * SAMPLE_BYTES)));
  return Math.max(frames, STARTING_FRAMES);
}

/** What a deck has room for: the window, and what a stream that takes over in the middle brings of its own. */
export function bufferFrames(sampleRate, channels) {
  return windowFrames(sampleRate, channels) + STARTING_FRAMES;
}

/** The credit of one stream. */
export class Credit {
  /** @param {{granted: number, startFrame: number, windowFrames: number, sampleRate: number}} terms */
  constructor({ granted, startFrame, windowFrames, sampleRate }) {
    this.granted = granted;
    this.startFrame = startFrame;
    this.windowFrames = windowFrames;
    this.stepFrames = Math.ceil(STEP_S * sampleRate);
  }

  /**
   * The new total to grant once `heard` frames of the stream were heard, or null while it is not worth a message.
   * `heard` is negative while a stream waits behind an earlier one. The total ends between two packets, since the
   * server cuts the one that it ends in.
   */
  due(heard) {
    const reach = this.startFrame + heard + this.windowFrames;
    const total = reach - (reach % PACKET_FRAMES) - this.startFrame;
    if (total - this.granted < this.stepFrames) return null;
    this.granted = total;
    return total;
  }

  /** The same for a stream that there is nothing yet to play on, of which `total` frames are wanted. */
  advance(total) {
    if (total <= this.granted) return null;
    this.granted = total;
    return total;
  }
}
