/**
 * Playback: one listener's conversation with the server about one track, which begins again at its end. It belongs to
 * no queue, and counts as heard by nobody. Positions are frames of the track.
 *
 * Every request is a `play` that names its track and frame, also a seek: so it can never be taken for another track,
 * and it works whether or not the server still holds a stream. At most one request is under way.
 */

import { Chain } from "./chain.js";
import { STARTING_FRAMES } from "./credit.js";
import { encodingOf } from "./packet.js";
import { problemText } from "./problems.js";
import { Stretch } from "./tape.js";

const AGAIN_MS = 1000;

/** Says `change` whenever what it shows may have changed, `note` and `problem` with a text for people. */
export class Playback extends EventTarget {
  /** How the sound is to be sent; see `encodingOf`. */
  form = "exact";
  /** What is to be done to the sound. */
  wish = {};
  #line;
  #output;
  #chain;
  #paused = true;
  // A play under way: {track, frame, onto: behind what is heard, then: frame | null, again, refused, parked}.
  #asked = null;

  /**
   * @param {import("./socket.js").Line} line
   * @param {import("./output.js").Output} output
   * @param {import("./tap.js").Tap | null} tap
   */
  constructor(line, output, tap) {
    super();
    this.#line = line;
    this.#output = output;
    this.#chain = new Chain(line, output, tap);
    this.#chain.addEventListener("change", () => this.#changed());
    this.#chain.addEventListener("room", () => this.#goOn());
    this.#chain.addEventListener("ended", () => this.#ended());
    this.#chain.addEventListener("broken", ({ detail }) => this.#fail(detail));
    line.addEventListener("hello", () => this.#connected());
    line.addEventListener("state", ({ detail }) => detail === "open" || this.#chain.lose());
    line.addEventListener("message", ({ detail }) => this.#message(detail));
    output.addEventListener("held", () => this.pause());
  }

  /** What there is to show. `track` is null before the first `park`; lengths that are not known are null. */
  get state() {
    const asked = this.#asked?.onto ? null : this.#asked;
    const heard = asked ? null : this.#chain.heard;
    const track = asked?.track ?? heard?.track ?? null;
    const playing = !this.#paused && !asked?.refused;
    return {
      track,
      playing,
      frame: asked ? (asked.then ?? asked.frame) : this.#chain.frame,
      totalFrames: heard?.totalFrames ?? track?.total_frames ?? null,
      sampleRate: heard?.sampleRate ?? track?.sample_rate ?? null,
      channels: heard?.channels ?? track?.channels ?? null,
      waiting: playing && (asked !== null || this.#chain.waiting),
      underruns: this.#chain.underruns,
      sound: heard?.sound ?? null,
    };
  }

  /** Let go of all that is under way, and stand at a frame, where `resume` begins. */
  park({ track, frame } = this.state) {
    this.#line.send("stop");
    this.#chain.pause();
    this.#chain.close();
    this.#output.suspend();
    this.#paused = true;
    this.#asked = track && { track, frame, onto: false, then: null, refused: true, parked: true };
    this.#changed();
  }

  /** Go on from another frame of the track; paused stays paused. */
  seek(frame) {
    const { track, totalFrames } = this.state;
    if (track) this.#start(track, Math.max(0, Math.min(Math.round(frame), (totalFrames ?? Infinity) - 1)));
  }

  pause() {
    if (this.#paused) return;
    this.#paused = true;
    this.#chain.pause();
    if (this.#chain.live) this.#line.send("pause");
    this.#output.suspend();
    this.#changed();
  }

  /** Go on where it was paused, or try again. */
  resume() {
    const { track, frame, playing } = this.state;
    if (playing || !track) return;
    this.#paused = false;
    this.#chain.resume();
    if (this.#asked?.refused) this.#start(track, frame);
    else {
      this.#output.wake(null);
      if (this.#chain.live) this.#line.send("resume");
      this.#goOn();
      this.#changed();
    }
  }

  #start(track, frame) {
    const asked = this.#asked;
    if (asked && !asked.onto && !asked.refused) asked.then = frame;
    else {
      this.#chain.close();
      if (!this.#paused) this.#output.wake(track.sample_rate);
      this.#ask({ track, frame, onto: false });
    }
    this.#changed();
  }

  #ask(request) {
    const { track, frame } = request;
    this.#asked = { ...request, then: null, refused: false };
    this.#line.send("play", {
      track_id: track.id,
      start_frame: frame,
      ...this.wish,
      counts: false,
      encoding: encodingOf([track], { processed: this.wish.enhanced || this.wish.match_loudness, form: this.form }),
      transport: "binary",
      credit: STARTING_FRAMES,
    });
  }

  /** The server will be able to answer soon. */
  #askLater(asked) {
    setTimeout(() => {
      if (asked === this.#asked) this.#ask({ ...asked, frame: asked.then ?? asked.frame, again: true });
    }, AGAIN_MS);
  }

  #connected() {
    const asked = this.#asked;
    if (asked && !asked.refused) this.#ask({ ...asked, frame: asked.then ?? asked.frame });
    else this.#goOn();
  }

  #message({ type, data }) {
    if (type === "audio_stream_start") this.#started(data);
    else if (type === "audio_stream_end") this.#streamEnded(data);
    else if (type === "audio_stream_error" || type === "error") this.#refused(data);
  }

  #started(start) {
    const asked = this.#asked;
    if (start.follows_stream_id !== null) return this.#begunAnew(start);
    if (!asked || asked.parked || start.track_id !== asked.track.id) return;
    if (start.start_frame !== Math.min(asked.frame, start.total_frames ?? Infinity)) return;
    this.#asked = null;
    if (asked.then !== null && asked.then !== asked.frame) return this.#start(asked.track, asked.then);
    if (asked.again) this.#tell("", "note");
    if (this.#paused) this.#line.send("pause");
    const stretch = new Stretch(asked.track, start, { credit: STARTING_FRAMES });
    if (asked.onto) this.#chain.append(stretch);
    else this.#chain.begin(stretch);
    this.#chain.open();
    this.#changed();
  }

  /** The sound is another one from this frame on. */
  #begunAnew(start) {
    const { last } = this.#chain;
    if (last?.streamId !== start.follows_stream_id) return;
    const stretch = new Stretch(last.track, start, { credit: STARTING_FRAMES });
    this.#chain.follow(stretch, start.follows_stream_id, start.follows_frames);
    this.#changed();
  }

  #streamEnded(end) {
    const stretch = this.#chain.end(end);
    if (!stretch) return;
    if (stretch.complete) this.#goOn();
    else if (!this.#asked && !stretch.stalled && !stretch.replaced) this.#chain.finish();
  }

  /**
   * A refusal ends the request under way; if its stream begins all the same, it was an earlier one's refusal. What is
   * said of a track that is no longer wanted is not shown.
   */
  #refused({ code, message, track_id }) {
    const asked = this.#asked;
    const track = asked?.track ?? this.state.track;
    if (track_id !== undefined && track?.id !== track_id) return;
    const patient = code === "analysis_running";
    this.#tell(problemText({ code, message }, track?.title), patient ? "note" : "problem");
    if (!asked) return;
    if (patient) this.#askLater(asked);
    else if (asked.onto) {
      this.#asked = null;
      this.#chain.finish();
    } else asked.refused = true;
    this.#changed();
  }

  /** Ask for what comes behind the last frame: the rest of the track, or its beginning. */
  #goOn() {
    const { last, live } = this.#chain;
    if (!last || live || this.#asked || this.#paused || this.#line.state !== "open") return;
    this.#ask({ track: last.track, frame: last.complete ? 0 : last.nextFrame, onto: true });
  }

  #ended() {
    this.#paused = true;
    this.#chain.pause();
    this.#output.suspend();
    this.#changed();
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
