/**
 * Playback: one listener's conversation with the server about sound. What is heard decides everything: the position
 * shown, the credit given, and when the next track is due. Positions are frames of a track.
 *
 * Every request is a `play` that names its track and frame, also a seek: so it can never be taken for another track,
 * and it works whether or not the server still holds a stream. At most one request a track is under way. Only a change
 * of what is done to the sound is told as such: the server then ends the stream and begins it anew at a frame that is
 * still to be heard, which is where the tape is cut and goes on with the new sound.
 */

import { SPLICE_FRAMES, STARTING_FRAMES } from "./credit.js";
import { OutputError } from "./output.js";
import { encodingOf, PacketError, parsePacket, planarSamples } from "./packet.js";
import { Stretch, Tape } from "./tape.js";

const AGAIN_MS = 1000;
const BROKEN = "The server sent sound that this page cannot read. Reload the page to get its present version.";

/** Says `change` whenever what it shows may have changed, `note` and `problem` with a text for people. */
export class Playback extends EventTarget {
  /** Whether 16 bits are enough, whatever the recording has. */
  thrifty = false;
  /** What is to be done to the sound; what it leaves open is as the server's settings have it. */
  wish = {};
  #line;
  #output;
  #nextOf;
  #tap;
  #paused = true;
  #settings = null; // the server's, which all hold to that the wish leaves open
  // A play under way: {track, frame, credit, settings, onto: Tape | null, then: frame | null, again, refused, parked}.
  #asked = null;
  #live = null; // the stretch whose stream the server still sends
  #tape = null; // what is heard
  #replaced = null; // the stretch whose stream the server has ended to begin it anew
  #following = null; // a tape of another format, heard when the present one has ended

  /**
   * @param {import("./socket.js").Line} line
   * @param {import("./output.js").Output} output
   * @param {(track: object) => Promise<object | null>} nextOf the track to play behind another one
   * @param {import("./tap.js").Tap | null} tap
   */
  constructor(line, output, nextOf, tap) {
    super();
    this.#line = line;
    this.#output = output;
    this.#nextOf = nextOf;
    this.#tap = tap;
    line.addEventListener("hello", () => this.#connected());
    line.addEventListener("state", ({ detail }) => detail === "open" || this.#disconnected());
    line.addEventListener("message", ({ detail }) => this.#message(detail));
    line.addEventListener("packet", ({ detail }) => this.#packet(detail));
    output.addEventListener("held", () => this.pause());
  }

  /** What there is to show. `track` is null before the first play; lengths that are not known are null. */
  get state() {
    const asked = this.#asked?.onto ? null : this.#asked;
    const heard = asked ? null : this.#tape?.heard;
    const track = asked?.track ?? heard?.track ?? null;
    const playing = !this.#paused && !asked?.refused;
    return {
      track,
      playing,
      frame: asked ? (asked.then ?? asked.frame) : (this.#tape?.heardFrame ?? 0),
      totalFrames: heard?.totalFrames ?? track?.total_frames ?? null,
      sampleRate: heard?.sampleRate ?? track?.sample_rate ?? null,
      channels: heard?.channels ?? track?.channels ?? null,
      waiting: playing && (asked !== null || Boolean(this.#tape?.waiting)),
      underruns: this.#tape?.underruns ?? 0,
      sound: heard?.sound ?? null,
    };
  }

  /** Play `track`, from the beginning if not told otherwise, instead of whatever is under way. */
  play(track, frame = 0) {
    this.#paused = false;
    this.#start(track, frame);
  }

  /** Let go of all that is under way, and stand at a frame, where `resume` begins. */
  park({ track, frame } = this.state) {
    this.#line.send("stop");
    this.#silence();
    this.#output.suspend();
    this.#paused = true;
    this.#asked = track && { track, frame, onto: null, then: null, refused: true, parked: true };
    this.#changed();
  }

  /**
   * Tell the server what is to be done to the sound from now on. False says that it was not told.
   * @param {{enabled: boolean, preset: string, intensity: number, match_loudness: boolean}} settings
   */
  enhance(settings) {
    if (this.#live) this.#tellHeard(this.#live);
    return this.#line.send("enhancement", settings);
  }

  /**
   * The server's settings are these now, whoever changed them.
   * @param {{enabled: boolean, preset: string, intensity: number}} settings
   */
  follow(settings) {
    this.#settings = settings;
    this.#renew();
  }

  /** Go on from another frame of the track that is heard; paused stays paused. */
  seek(frame) {
    const { track, totalFrames } = this.state;
    if (track) this.#start(track, Math.max(0, Math.min(Math.round(frame), (totalFrames ?? Infinity) - 1)));
  }

  pause() {
    if (this.#paused) return;
    this.#paused = true;
    this.#tape?.pause();
    if (this.#live) this.#line.send("pause");
    this.#output.suspend();
    this.#changed();
  }

  /** Go on where it was paused; at the end of what could be played, begin again or try again. */
  resume() {
    const { track, frame, playing } = this.state;
    if (playing || !track) return;
    this.#paused = false;
    if (this.#tape?.ended) this.#start(track, this.#tape.last.complete ? 0 : frame);
    else if (this.#asked?.refused) this.#start(track, frame);
    else {
      this.#output.wake(null);
      this.#tape?.resume();
      if (this.#live) this.#line.send("resume");
      this.#goOn();
      this.#changed();
    }
  }

  #start(track, frame) {
    const asked = this.#asked;
    if (asked && !asked.onto && !asked.refused && asked.track.id === track.id) asked.then = frame;
    else {
      this.#silence();
      if (!this.#paused) this.#output.wake(track.sample_rate);
      this.#ask({ track, frame, credit: STARTING_FRAMES, onto: null });
    }
    this.#changed();
  }

  /** The server begins anew what it sends; what is heard, but was sent to its end already, has to be asked for. */
  #renew() {
    const tape = this.#tape;
    const sent = (this.#live ?? this.#replaced)?.track;
    if (!tape || tape.ended || tape.heard.track === sent) return;
    if (tape.heard.outdatedBy(this.#settings)) this.#start(tape.heard.track, tape.heardFrame);
  }

  /** Whether anything at all is to be done to the sound. */
  get #processed() {
    const { enhanced = this.#settings?.enabled, match_loudness = this.#settings?.match_loudness } = this.wish;
    return Boolean(enhanced || match_loudness);
  }

  #ask(request) {
    const { track, frame, credit } = request;
    this.#asked = { ...request, settings: this.#settings, then: null, refused: false };
    this.#line.send("play", {
      track_id: track.id,
      start_frame: frame,
      ...this.wish,
      encoding: encodingOf(track, { processed: this.#processed, thrifty: this.thrifty }),
      transport: "binary",
      credit,
    });
  }

  /** The server will be able to answer soon. */
  #askLater(asked) {
    setTimeout(() => {
      if (asked === this.#asked) this.#ask({ ...asked, frame: asked.then ?? asked.frame, again: true });
    }, AGAIN_MS);
  }

  /** Forget all that is under way; nothing of it is heard from here on. */
  #silence() {
    this.#tape?.close();
    this.#tape = this.#following = this.#live = this.#replaced = this.#asked = null;
  }

  #connected() {
    const asked = this.#asked;
    if (asked && !asked.refused) this.#ask({ ...asked, frame: asked.then ?? asked.frame });
    else this.#goOn();
  }

  #disconnected() {
    this.#live = this.#replaced = null; // what has arrived is heard, and the rest is spliced on when the line is back
  }

  #message({ type, data }) {
    if (type === "audio_stream_start") this.#streamStarted(data);
    else if (type === "audio_stream_end") this.#streamEnded(data);
    else if (type === "audio_stream_error" || type === "error") this.#refused(data);
  }

  #streamStarted(start) {
    const asked = this.#asked;
    if (this.#replaced) return this.#begunAnew(start);
    if (!asked || asked.parked || start.track_id !== asked.track.id) return;
    if (start.start_frame !== Math.min(asked.frame, start.total_frames ?? Infinity)) return;
    this.#asked = null;
    if (asked.then !== null && asked.then !== asked.frame) {
      this.#start(asked.track, asked.then);
      return;
    }
    if (asked.again) this.#tell("", "note");
    const stretch = new Stretch(asked.track, start, asked);
    this.#live = stretch;
    if (this.#paused) this.#line.send("pause");
    if (!asked.onto) this.#open(new Tape(stretch));
    else if (asked.onto.fits(stretch)) asked.onto.splice(stretch);
    else {
      asked.onto.finish();
      this.#following = new Tape(stretch);
    }
    this.#changed();
  }

  /** The old sound is heard up to the new stream's first frame. */
  #begunAnew(start) {
    const old = this.#replaced;
    const { tape } = old;
    const kept = start.start_frame - old.startFrame;
    this.#replaced = null;
    if (start.track_id !== old.track.id || kept < 0 || kept > old.received) return this.#fail(BROKEN);
    this.#live = new Stretch(old.track, start, { credit: old.firstCredit, settings: this.#settings });
    tape.cut(old.tapeStart + kept);
    tape.splice(this.#live);
    this.#grant();
    this.#changed();
  }

  #packet(buffer) {
    try {
      const packet = parsePacket(buffer);
      const live = this.#live;
      if (packet.streamId !== live?.streamId) return;
      if (packet.startFrame !== live.nextFrame) throw new PacketError("a gap between packets");
      live.tape.push(planarSamples(packet, live.channels));
    } catch (error) {
      if (!(error instanceof PacketError)) throw error;
      this.#fail(BROKEN);
    }
  }

  #streamEnded({ stream_id, reason, frames_sent }) {
    const live = this.#live;
    if (stream_id !== live?.streamId) return;
    this.#live = null;
    live.complete = reason === "completed";
    if (frames_sent !== live.received) return this.#fail(BROKEN);
    if (live.complete) this.#renew();
    if (live.complete || reason === "stalled") this.#goOn();
    else if (!this.#asked && reason !== "failed") this.#replaced = live;
    else if (!this.#asked) live.tape.finish();
  }

  /**
   * A refusal ends the request under way; if its stream begins all the same, it was an earlier one's refusal. What is
   * said of a track that is no longer wanted is not shown.
   */
  #refused({ code, message, track_id }) {
    const asked = this.#asked;
    const wanted = [asked?.track, this.#live?.track, this.state.track].filter(Boolean);
    const track = wanted.find(({ id }) => track_id === undefined || id === track_id);
    if (track_id !== undefined && !track) return;
    const patient = code === "analysis_running";
    this.#tell(track?.title ? `${track.title}: ${message}` : message, patient ? "note" : "problem");
    if (this.#replaced && this.#replaced.track.id === track_id) {
      this.#replaced.tape.finish();
      this.#replaced = null;
    }
    if (!asked || track !== asked.track) return;
    if (patient) this.#askLater(asked);
    else if (asked.onto) {
      this.#asked = null;
      asked.onto.finish();
    } else asked.refused = true;
    this.#changed();
  }

  /** Ask for what comes behind the tape's last frame: the rest of its track, or the next one. */
  async #goOn() {
    const tape = this.#tape;
    const busy = () => this.#asked ?? this.#live ?? this.#replaced ?? this.#following;
    const free = () => tape === this.#tape && !busy() && !this.#paused;
    if (!tape || tape.finished || !free()) return;
    const { last } = tape;
    const track = last.complete ? await this.#trackBehind(last.track) : last.track;
    if (!free()) return;
    if (!track) tape.finish();
    else if (this.#line.state === "open") {
      const room = last.credit.windowFrames - tape.buffered;
      const credit = Math.min(STARTING_FRAMES, Math.max(SPLICE_FRAMES, room));
      this.#ask({ track, frame: last.complete ? 0 : last.nextFrame, credit, onto: tape });
    }
  }

  async #trackBehind(track) {
    try {
      return await this.#nextOf(track);
    } catch (error) {
      this.#tell(error.message);
      return null;
    }
  }

  async #open(tape) {
    this.#tape = tape;
    try {
      const deck = await this.#output.openDeck(tape, (report) => this.#heard(tape, report));
      if (tape !== this.#tape) return deck.close();
      tape.attach(deck, this.#paused);
    } catch (error) {
      if (!(error instanceof OutputError)) throw error;
      if (tape === this.#tape) this.#fail(error.message);
    }
    this.#grant();
    return this.#goOn();
  }

  #heard(tape, report) {
    this.#tap?.hear(tape, report);
    tape.hear(report);
    this.#grant();
    if (report.overrun) this.#fail(BROKEN);
    if (report.ended) this.#tapeEnded(tape);
    this.#changed();
  }

  #grant() {
    const live = this.#live;
    if (!live?.tape.running) return;
    if (live.credit.due(live.tape.played - live.tapeStart) !== null) this.#tellHeard(live);
  }

  /** The credit of a stream as it stands, and what was heard of it. */
  #tellHeard({ tape, tapeStart, streamId, credit }) {
    const played = Math.max(0, tape.played - tapeStart);
    this.#line.send("credit", { stream_id: streamId, frames: credit.granted, played });
  }

  #tapeEnded(tape) {
    tape.close();
    const following = this.#following;
    this.#following = null;
    if (following) this.#open(following);
    else {
      this.#paused = true;
      this.#output.suspend();
    }
  }

  /** Stop here, and say why; `resume` tries again from this frame. */
  #fail(text) {
    this.park();
    this.#tell(text);
  }

  #tell(text, kind = "problem") {
    this.dispatchEvent(new CustomEvent(kind, { detail: text }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
