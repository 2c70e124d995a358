/**
 * A tape: sound without a break on one deck, and which stretch of it is which track. Streams are spliced onto its
 * end: the rest of a track after a lost connection, the next track of an album without a gap. Positions on a tape
 * are frames since its first one.
 */

import { Credit, windowFrames } from "./credit.js";

/** One stream's stretch of a tape. `received` counts its frames; `complete` says that the track's end is among them. */
export class Stretch {
  received = 0;
  complete = false;

  /**
   * @param {object} start the data of audio_stream_start
   * @param {{credit: number, settings: object | null}} asked the credit it begins with, and the settings at that time
   */
  constructor(track, start, { credit, settings }) {
    this.track = track;
    this.streamId = start.stream_id;
    this.startFrame = start.start_frame;
    this.totalFrames = start.total_frames ?? track.total_frames ?? null;
    this.sampleRate = start.sample_rate;
    this.channels = start.channels;
    /** What was done to the sound: `preset` and `intensity` say nothing of a stream as recorded. */
    this.sound = { enhanced: Boolean(start.enhanced), preset: start.preset, intensity: start.intensity };
    /** The credit that each stream of this request begins with. */
    this.firstCredit = credit;
    this.settings = settings;
    this.credit = new Credit({
      granted: credit,
      startFrame: start.start_frame,
      windowFrames: windowFrames(start.sample_rate, start.channels),
      sampleRate: start.sample_rate,
    });
  }

  /** Whether the settings have changed since it was asked for, and now want another sound. */
  outdatedBy(settings) {
    if (settings === this.settings) return false;
    const { enhanced, preset, intensity } = this.sound;
    if (!enhanced || !settings.enabled) return enhanced !== settings.enabled;
    return preset !== settings.preset || intensity !== settings.intensity;
  }

  /** The frame of the track that follows the last one received. */
  get nextFrame() {
    return this.startFrame + this.received;
  }
}

export class Tape {
  received = 0;
  played = 0;
  underruns = 0;
  waiting = true;
  finished = false;
  ended = false;
  /** From the one that is heard to the one that arrives. */
  stretches = [];
  #deck = null;
  #early = [];

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
  }

  /** Forget what was received from the tape's frame `at` on: what is spliced on next takes its place. */
  cut(at) {
    this.stretches = this.stretches.filter(({ tapeStart }) => tapeStart < at);
    if (this.last) this.last.received = at - this.last.tapeStart;
    this.received = at;
    if (this.#deck) this.#deck.command("cut", at);
    else this.#early = firstFrames(this.#early, at);
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

  get buffered() {
    return this.received - this.played;
  }

  /** Whether the tape sounds, or could. */
  get running() {
    return this.#deck !== null;
  }

  push(planes) {
    this.received += planes[0].length;
    this.last.received += planes[0].length;
    if (this.#deck) this.#deck.push(planes);
    else this.#early.push(planes); // no more than the credit that a stream starts with
  }

  /** Nothing will be spliced on: the deck says `ended` after the last frame received. */
  finish() {
    this.finished = true;
    this.#deck?.command("finish", this.received);
  }

  /** Play on `deck` from now on. */
  attach(deck, paused) {
    this.#deck = deck;
    if (paused) deck.command("pause");
    for (const planes of this.#early.splice(0)) deck.push(planes);
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
    Object.assign(this, { played, underruns, waiting, ended });
    while (this.stretches.length > 1 && this.stretches[1].tapeStart <= played) this.stretches.shift();
  }

  /** Fall silent at once. */
  close() {
    this.#deck?.close();
    this.#deck = null;
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
