/**
 * A tape: sound without a break on one deck, and which stretch of it is which stream. Streams are spliced onto its
 * end: the rest of a track after a lost connection, the next track of an album without a gap. Positions on a tape
 * are frames since its first one. What the deck has no room for yet waits here.
 */

import { bufferFrames, Credit, windowFrames } from "./credit.js";

/** One stream's stretch of a tape. `received` counts its frames. */
export class Stretch {
  received = 0;
  /** How it ended: with the track's last frame, so that another stream takes over, or since nothing of it was heard. */
  complete = false;
  replaced = false;
  stalled = false;
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
    /** Of Opus: how late it is, and what decoders are set up with, in base64. */
    this.preSkipFrames = start.pre_skip_frames ?? 0;
    this.opusHead = start.opus_head ?? null;
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
  #held = []; // and the blocks behind them: {frames, planes}, null while they are not decoded
  #told = null; // the end that the deck knows of

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

  /** Whether more is worth asking for: less is left than half of the window. */
  get low() {
    return this.received - this.played < windowFrames(this.sampleRate, this.channels) / 2;
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
    this.fill(this.expect(planes[0].length), planes);
  }

  /** So many frames have arrived, to be filled in when they are decoded. */
  expect(frames) {
    const block = { frames, planes: null };
    this.received += frames;
    this.last.received += frames;
    this.#held.push(block);
    return block;
  }

  /** The samples of a block; what was cut of it meanwhile is left out. */
  fill(block, planes) {
    block.planes = planes;
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
    this.#tellEnd();
  }

  /** Give the deck what it has room for. */
  #hand() {
    const most = this.played + bufferFrames(this.sampleRate, this.channels);
    while (this.#deck && this.#held[0]?.planes && this.#handed + this.#held[0].frames <= most) {
      const { frames, planes } = this.#held.shift();
      this.#handed += frames; // a deck takes the samples themselves away
      this.#deck.push(planes.map((plane) => (plane.length > frames ? plane.slice(0, frames) : plane)));
    }
    this.#tellEnd();
  }

  /** A deck that knows the end waits for nothing before it: so it learns of it behind the last frame. */
  #tellEnd() {
    const end = this.finished && !this.#held.length ? this.received : null;
    if (!this.#deck || end === this.#told) return;
    this.#told = end;
    this.#deck.command("finish", end);
  }
}

/** The first frames of a list of blocks. */
function firstFrames(blocks, frames) {
  let left = frames;
  for (const block of blocks) {
    block.frames = Math.min(block.frames, left);
    left -= block.frames;
  }
  return blocks.filter((block) => block.frames);
}
