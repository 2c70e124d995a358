/**
 * The chain: the streams that are heard or on their way, one behind the other. Those of one format share a tape, so
 * that they follow each other without a gap; one of another format has a tape of its own, which is played when the
 * tape before has ended. What is heard decides the credit that is given, and is told of every stream to its last frame.
 */

import { STARTING_FRAMES } from "./credit.js";
import { openDecoding } from "./decoding.js";
import { OutputError } from "./output.js";
import { PacketError, parsePacket } from "./packet.js";
import { Tape } from "./tape.js";

const BROKEN = "The server sent sound that this page cannot read. Reload the page to get its present version.";
const UNDECODED = "This browser cannot decode the sound as it is sent. Choose another quality in the settings.";

/**
 * Says `change` when more was heard, `room` when a stream that stalled can go on, since what was left is heard by now,
 * as on a machine that slept, `ended` behind the last frame, and `broken` with a text for people.
 */
export class Chain extends EventTarget {
  #line;
  #output;
  #tap;
  #tapes = []; // from the one that is heard to the one that arrives
  #live = null;
  #decoding = null; // of the live one
  #paused = true;

  /**
   * @param {import("./socket.js").Line} line
   * @param {import("./output.js").Output} output
   * @param {import("./tap.js").Tap | null} tap
   */
  constructor(line, output, tap) {
    super();
    this.#line = line;
    this.#output = output;
    this.#tap = tap;
    line.addEventListener("packet", ({ detail }) => this.#packet(detail));
  }

  /** The stretch that is heard; null while there is none. */
  get heard() {
    return this.#tapes[0]?.heard ?? null;
  }

  /** The stretch behind which another one could follow. */
  get last() {
    return this.#tapes.at(-1)?.last ?? null;
  }

  /** The stretch whose stream the server still sends. */
  get live() {
    return this.#live;
  }

  /** The frame of its track that is heard next. */
  get frame() {
    return this.#tapes[0]?.heardFrame ?? 0;
  }

  get waiting() {
    return this.#tapes[0]?.waiting ?? true;
  }

  get underruns() {
    return this.#tapes[0]?.underruns ?? 0;
  }

  /** Have this stream instead of all there is. */
  begin(stretch) {
    this.close();
    this.append(stretch);
  }

  /**
   * Have this stream behind the first frames of another one, and behind nothing else.
   * @param {number} streamId the one that it follows
   * @param {number} frames so many of them, however many have arrived
   */
  follow(stretch, streamId, frames) {
    this.drop(streamId);
    const before = this.last;
    if (frames > before?.received) return this.#break();
    if (frames < before?.received) before.tape.cut(before.tapeStart + frames);
    this.append(stretch);
  }

  /** Have this stream behind all others. */
  append(stretch) {
    const tape = this.#tapes.at(-1);
    this.#live = stretch;
    this.#decoding = openDecoding(stretch, () => this.#tapes.includes(stretch.tape) && this.#break(UNDECODED));
    if (tape?.fits(stretch)) tape.splice(stretch);
    else {
      tape?.finish();
      this.#tapes.push(new Tape(stretch));
    }
    this.#grant();
  }

  /**
   * The server has sent all of a stream; gives its stretch, or null if that is none of these.
   * @param {object} end the data of audio_stream_end
   */
  end({ stream_id, reason, frames_sent, next_entry_id = null }) {
    const stretch = this.#live;
    if (stream_id !== stretch?.streamId) return null;
    this.#leave();
    stretch.complete = reason === "completed";
    stretch.replaced = reason === "replaced";
    stretch.stalled = reason === "stalled";
    stretch.nextEntryId = next_entry_id;
    if (frames_sent === stretch.received) return stretch;
    this.#break();
    return null;
  }

  /** Forget what comes behind a stream; everything, if that is none of these. */
  drop(streamId) {
    const isIt = (stretch) => stretch.streamId === streamId && !stretch.lost;
    const place = this.#tapes.findIndex(({ stretches }) => stretches.some(isIt));
    if (place < 0) return this.close();
    for (const tape of this.#tapes.splice(place + 1)) tape.close();
    const tape = this.#tapes[place];
    const stretch = tape.stretches.find(isIt);
    if (tape.last !== stretch) tape.cut(stretch.tapeStart + stretch.received);
    if (this.#live !== stretch) this.#forget();
  }

  /** Nothing follows, as far as is known. */
  finish() {
    this.#tapes.at(-1)?.finish();
  }

  /** Let what has begun be heard; until then only a little of it is asked for. */
  async open() {
    const tape = this.#tapes[0];
    if (!tape || tape.opened) return;
    tape.opened = true;
    try {
      const deck = await this.#output.openDeck(tape, (report) => this.#heard(tape, report));
      if (tape !== this.#tapes[0]) return deck.close();
      tape.attach(deck, this.#paused);
      this.#grant();
    } catch (error) {
      if (!(error instanceof OutputError)) throw error;
      if (tape === this.#tapes[0]) this.#break(error.message);
    }
  }

  pause() {
    if (!this.#paused) this.tell();
    this.#paused = true;
    this.#tapes[0]?.pause();
  }

  resume() {
    this.#paused = false;
    this.#tapes[0]?.resume();
  }

  /** Forget all; nothing of it is heard from here on. */
  close() {
    for (const tape of this.#tapes.splice(0)) tape.close();
    this.#forget();
  }

  /** The line is gone: what has arrived is heard, and no more is to come on it. */
  lose() {
    this.#leave();
    for (const { stretches } of this.#tapes) for (const stretch of stretches) stretch.lost = true;
  }

  /** Tell the server just what is heard. */
  tell() {
    if (this.heard) this.#tell(this.heard);
  }

  #packet(buffer) {
    try {
      const packet = parsePacket(buffer);
      const live = this.#live;
      if (packet.streamId !== live?.streamId) return;
      if (packet.startFrame !== live.nextFrame) throw new PacketError("a gap between packets");
      const { tape } = live;
      const block = tape.expect(packet.frames);
      this.#decoding.decode(packet, (planes) => tape.fill(block, planes));
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#break();
    }
  }

  /** No more is sent of what is live: what has arrived is decoded to its end. */
  #leave() {
    this.#decoding?.finish();
    this.#live = this.#decoding = null;
  }

  /** Nothing more of what is live is wanted. */
  #forget() {
    this.#decoding?.close();
    this.#live = this.#decoding = null;
  }

  #heard(tape, report) {
    const before = tape.stretches;
    this.#tap?.hear(tape, report);
    tape.hear(report);
    if (report.overrun) return this.#break();
    for (const stretch of before) if (!tape.stretches.includes(stretch)) this.#tell(stretch);
    this.#grant();
    this.#tellTail(tape);
    if (tape.ended) this.#tapeEnded(tape);
    if (this.last?.stalled && this.#tapes.length === 1 && this.#tapes[0].low) this.#say("room");
    this.#say("change");
  }

  #grant() {
    const live = this.#live;
    if (!live) return;
    const { tape, tapeStart, credit } = live;
    const due = tape.running ? credit.due(tape.played - tapeStart) : credit.advance(STARTING_FRAMES - tapeStart);
    if (due !== null) this.#tell(live);
  }

  /** Of a stream that is no longer sent the server learns in steps what is heard, and when that is all of it. */
  #tellTail({ heard, ended }) {
    const step = heard.credit.stepFrames;
    if (heard !== this.#live && (ended || heard.heard - heard.told >= step)) this.#tell(heard);
  }

  #tell(stretch) {
    const { streamId, credit, heard, lost } = stretch;
    if (lost) return;
    stretch.told = heard;
    this.#line.send("credit", { stream_id: streamId, frames: credit.granted, played: heard });
  }

  #tapeEnded(tape) {
    tape.close();
    this.#tapes.shift();
    if (this.#tapes.length) this.open();
    else this.#say("ended");
  }

  #break(text = BROKEN) {
    this.#say("broken", text);
  }

  #say(type, detail = null) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
