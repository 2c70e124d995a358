/**
 * A tape: sound without a break on one deck, and which stretch of it is which stream. Streams are spliced onto its
 * end: the rest of a track after a lost connection, the next track of an album without a gap. Positions on a tape
 * are frames since its first one. What the deck has no room for yet waits here.
 */

import { bufferFrames, Credit, windowFrames } from "./credit.js";

/** One stream's stretch of a tape. `received` counts its frames. */
export class Stretch {
  received = 0;
  /** How it ended: with the track's last frame, or so that another stream takes over. */
  complete = false;
  replaced = false;
  /** The entry of the queue that follows, as its end told. */
  nextEntryId = null;
  /** The frames that the server was told to have been heard. */
  told = 0;
  /** Whether the line that it came on is gone, so that its stream's id means nothing any more. */
  lost = false;

  /**
   * @param {object} start the data of audio_stream_start
   * @param {{credit: number}} asked the credit it begins with
   */
  constructor(track, start, { credit }) {
    this.track = track;
    this.entryId = start.entry_id ?? null;
    this.streamId = start.stream_id;
    this.startFrame = start.start_frame;
    this.totalFrames = start.total_frames ?? track.total_frames ?? null;
    this.sampleRate = start.sample_rate;
    this.channels = start.channels;
    this.encoding = start.encoding;
    /** What was done to the sound: `preset` and `intensity` say nothing of a stream as recorded. */
    this.sound = { enhanced: Boolean(start.enhanced), preset: start.preset, intensity: start.intensity };
    this.credit = new Credit({
      granted: credit,
      startFrame: start.start_frame,
      windowFrames: windowFrames(start.sample_rate, start.channels),
      sampleRate: start.sample_rate,
    });
  }

  /** The frame of the track that follows the last one received. */
  get nextFrame() {
    return this.startFrame + this.received;
  }

  /** How many of its frames were heard. */
  get heard() {
    return Math.max(0, Math.min(this.received, this.tape.played - this.tapeStart));
  }
}

export class Tape {
  received = 0;
  played = 0;
  underruns = 0;
  waiting = true;
  opened = false;
  finished = false;
  ended = false;
  /** From the one that is heard to the one that arrives. */
  stretches = [];
  #deck = null;
  #handed = 0; // frames that the deck was given
  #held = []; // and the blocks behind them

  constructor(stretch) {
    this.sampleRate = stretch.sampleRate;
    this.channels = stretch.channels;
    this.splice(stretch);
  }

  /** Whether `stretch` can go on the same deck. */
  fits(stretch) {
    return stretch.sampleRate === this.sampleRate && stretch.channels === this.channels;
  }

  /** What arrives from now on belongs to `stretch`. */
  splice(stretch) {
    stretch.tape = this;
    stretch.tapeStart = this.received;
    this.stretches.push(stretch);
    if (this.finished) this.#finish(false);
  }

  /** Forget what was received from the tape's frame `at` on: what is spliced on next takes its place. */
  cut(at) {
    this.stretches = this.stretches.filter(({ tapeStart }) => tapeStart < at);
    if (this.last) this.last.received = at - this.last.tapeStart;
    this.received = at;
    this.#held = firstFrames(this.#held, Math.max(0, at - this.#handed));
    if (at < this.#handed) this.#deck.command("cut", at);
    this.#handed = Math.min(this.#handed, at);
  }

  /** The stretch that arrived last. */
  get last() {
    return this.stretches.at(-1);
  }

  /** The stretch that is heard now. */
  get heard() {
    return this.stretches[0];
  }

  /** The frame of its track that is heard next. */
  get heardFrame() {
    return this.heard.startFrame + this.played - this.heard.tapeStart;
  }

  /** Whether the tape sounds, or could. */
  get running() {
    return this.#deck !== null;
  }

  push(planes) {
    this.received += planes[0].length;
    this.last.received += planes[0].length;
    this.#held.push(planes);
    this.#hand();
  }

  /** Nothing more is spliced on, as far as is known: the deck says `ended` after the last frame received. */
  finish() {
    this.#finish(true);
  }

  /** Play on `deck` from now on. */
  attach(deck, paused) {
    this.#deck = deck;
    if (paused) deck.command("pause");
    this.#hand();
    if (this.finished) this.finish();
  }

  pause() {
    this.#deck?.command("pause");
  }

  resume() {
    this.#deck?.command("resume");
  }

  /** Take in a deck's report; stretches that were heard to their end are let go. */
  hear({ played, underruns, waiting, ended }) {
    Object.assign(this, { played, underruns, waiting });
    this.ended = ended && this.finished && played >= this.received;
    const heard = this.stretches.findLastIndex(({ tapeStart }) => tapeStart <= played);
    this.stretches = this.stretches.slice(Math.max(0, heard));
    this.#hand();
  }

  /** Fall silent at once. */
  close() {
    this.#deck?.close();
    this.#deck = null;
  }

  #finish(finished) {
    this.finished = finished;
    this.#deck?.command("finish", finished ? this.received : null);
  }

  /** Give the deck what it has room for. */
  #hand() {
    const most = this.played + bufferFrames(this.sampleRate, this.channels);
    while (this.#deck && this.#held.length && this.#handed + this.#held[0][0].length <= most) {
      const planes = this.#held.shift();
      this.#handed += planes[0].length; // a deck takes the samples themselves away
      this.#deck.push(planes);
    }
  }
}

/** The first frames of a list of blocks. */
function firstFrames(blocks, frames) {
  let left = frames;
  const kept = blocks.map((planes) => {
    const part = planes.map((plane) => plane.slice(0, left));
    left -= part[0].length;
    return part;
  });
  return kept.filter(([plane]) => plane.length);
}
