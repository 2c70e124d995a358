/**
 * This page as one of those that play the server's queue. The server decides what is played: the page lets it be
 * heard, shows it, and says what the listener wants. Where others play the queue and this page does not, its controls
 * are theirs.
 *
 * What is wanted here is shown at once. The server's word counts again when it has answered; until then nothing that
 * it begins is heard, since it may not have known of the wish.
 */

import { commandPlayer } from "./api.js";
import { Asking } from "./asking.js";
import { Chain } from "./chain.js";
import { FIRST_FRAMES } from "./credit.js";
import { encodingOf, rateOf } from "./packet.js";
import { beginsAt, startOf } from "./position.js";
import { problemText, UNREACHABLE } from "./problems.js";
import { stateOf } from "./standing.js";
import { Stretch } from "./tape.js";

const AGAIN_MS = 1000;
const RESTART_S = 3;

/** Says `change` whenever what it shows may have changed, `note` and `problem` with a text for people. */
export class QueuePlayback extends EventTarget {
  /** How the sound is to be sent; see `encodingOf`. */
  form = "exact";
  #line;
  #output;
  #queue;
  #chain;
  #asking;
  #paused = true;
  #settings = null;
  // The place to be at next: {entryId, track, frame, sampleRate, sent, onto, later, before}. `sent` says that a stream
  // from there was asked for, `onto` that it is to be heard behind the present sound, `later` that it will be asked for
  // again soon, `before`, while it is put into the queue, what was wanted: {want, paused, lost: the line meanwhile}.
  #want = null;
  #parked = false;
  #asksAgain = false;

  /**
   * @param {import("./socket.js").Line} line
   * @param {import("./output.js").Output} output
   * @param {import("./queue.js").Queue} queue listens to the same line, and was made before
   * @param {import("./tap.js").Tap | null} tap
   */
  constructor(line, output, queue, tap) {
    super();
    this.#line = line;
    this.#output = output;
    this.#queue = queue;
    this.#asking = new Asking(line);
    this.#chain = new Chain(line, output, tap);
    this.#chain.addEventListener("change", () => this.#changed());
    this.#chain.addEventListener("room", () => this.#goOn());
    this.#chain.addEventListener("ended", () => this.#follow());
    this.#chain.addEventListener("broken", ({ detail }) => this.#fail(detail));
    line.addEventListener("state", ({ detail }) => detail === "open" || this.#chain.lose());
    line.addEventListener("hello", () => this.#connected());
    line.addEventListener("message", ({ detail }) => this.#message(detail));
    output.addEventListener("held", () => this.#paused || this.pause());
    queue.addEventListener("change", () => this.#follow());
  }

  /** What there is to show. */
  get state() {
    const { elsewhere } = this;
    return stateOf({ queue: this.#queue, chain: this.#chain, want: this.#want, paused: this.#paused, elsewhere });
  }

  /** Whether others play the queue, so that the controls here are theirs. */
  get elsewhere() {
    return this.#queue.elsewhere && !this.#parked && !this.#want && !this.#chain.heard;
  }

  /**
   * Have these tracks as the queue, and play one of them.
   * @param {object} track that one
   * @param {Promise<{action: string, data: object, tracks: ?object[]}>} order to have all of them, null being unknown
   */
  async playList(track, order) {
    const { elsewhere } = this;
    const before = this.#want?.before ?? { want: this.#want, paused: this.#paused, lost: false };
    const want = { entryId: null, track, frame: 0, sent: true, before };
    this.#queue.learn([track]);
    if (!elsewhere) {
      this.#want = want;
      this.#paused = false;
      this.#output.wake(this.#chain.heard ? null : rateOf(track, this.form)); // another rate would end what is heard
    }
    const wrong = await this.#asking.request(async () => {
      const { action, data, tracks } = await order;
      this.#queue.learn(tracks.filter(Boolean));
      const entries = await this.#queue.order(action, data);
      if (want === this.#want) this.#begin({ entryId: entries[data.start_index], track, frame: 0 }, tracks);
    });
    if (wrong) this.#tell(wrong);
    if (wrong && want === this.#want) this.#goBack(before);
    this.#follow();
  }

  /** Play an entry from its beginning; where others play, they do. */
  async jump(entryId) {
    if (!this.elsewhere) return this.#begin({ entryId, track: this.#queue.trackOfEntry(entryId), frame: 0 });
    const wrong = await this.#asking.request(() => commandPlayer("jump", { entry_id: entryId }));
    if (wrong) this.#tell(wrong);
  }

  /** Play here from where the player is; others stop. */
  takeOver() {
    const { entry_id, track_id } = this.#queue.player;
    this.#begin({ entryId: entry_id, track: this.#queue.trackOf(track_id), frame: null });
  }

  pause() {
    if (this.elsewhere) this.#line.send("pause");
    if (this.#paused) return;
    this.#rest();
    this.#asking.say("pause");
    this.#changed();
  }

  /** Go on where it was paused, or where the player is. */
  resume() {
    if (!this.#paused || this.elsewhere || !this.state.track) return;
    if (this.#want) this.#begin(this.#want);
    else if (!this.#chain.heard) this.takeOver();
    else {
      this.#wake(null);
      if (this.#queue.here) this.#asking.say("resume");
      else this.#goOn();
      this.#changed();
    }
  }

  /** Go on from another frame of the track that is heard; paused stays paused. */
  seek(frame) {
    const { track, entryId, sampleRate, totalFrames } = this.state;
    if (!track || !sampleRate) return;
    const chosen = Math.max(0, Math.min(Math.round(frame), (totalFrames ?? Infinity) - 1));
    const place = { entryId, track, frame: chosen, sampleRate };
    if (this.#queue.here) this.#expect(place, "seek", startOf(place));
    else if (!this.#paused) this.#begin(place);
    else if (this.#chain.heard || this.#want) this.#stand(place);
    else this.#command("seek", startOf(place));
  }

  next() {
    this.#step(1, "next");
  }

  /** To the entry before, or first to the beginning of this one. */
  previous() {
    const { frame, sampleRate } = this.state;
    if (frame > RESTART_S * sampleRate) this.seek(0);
    else this.#step(-1, "previous");
  }

  /** Let go of the sound for something else, and stand where it was. False: not so, since the server is away. */
  park() {
    if (this.#line.state !== "open") return false;
    this.#parked = true;
    this.#stop(this.state);
    return true;
  }

  /** Be back at a frame, and go on from there if it is `playing`. */
  unpark({ frame, sampleRate, playing }) {
    this.#parked = false;
    const place = { ...this.#want, frame, sampleRate };
    if (playing) this.#begin(place);
    else this.#stand(place);
  }

  /** Tell the server what is to be done to the sound from now on. False says that it was not told. */
  enhance(settings) {
    this.#chain.tell();
    return this.#line.send("enhancement", settings);
  }

  /** The server's settings are these now, whoever changed them. */
  follow(settings) {
    this.#settings = settings;
  }

  /** Play from a place on, instead of whatever is under way or `onto` it; no frame: from where the player is. */
  #begin({ entryId, track, frame, sampleRate, onto = false }, tracks = this.#queue.tracks) {
    const processed = this.#settings?.enabled || this.#settings?.match_loudness;
    const encoding = encodingOf(tracks, { processed, form: this.form });
    this.#want = { entryId, track, frame, sampleRate, onto, sent: true };
    if (!onto) this.#chain.close();
    this.#wake(onto ? null : rateOf(track, encoding));
    this.#asking.play(this.#want, encoding);
    this.#changed();
  }

  /** Tell the server to send a stream from this place on. */
  #expect(place, command, data) {
    this.#want = { ...place, sent: true };
    this.#chain.close();
    this.#asking.say(command, data);
    this.#changed();
  }

  /** Be silent at a place, where `resume` begins. */
  #stand({ entryId, track, frame, sampleRate }) {
    this.#chain.close();
    this.#want = { entryId, track, frame, sampleRate, onto: false, sent: false };
    this.#changed();
  }

  /** The same for one who plays: the server is told. */
  #stop(place) {
    this.#rest();
    if (this.#queue.here) this.#asking.say("pause");
    this.#stand(place);
  }

  #step(step, command) {
    if (this.#queue.here) {
      const beside = this.#queue.beside(this.state.entryId, step);
      const track = this.#queue.trackOf(beside?.track_id);
      if (beside) return this.#expect({ entryId: beside.entry_id, track, frame: 0 }, command, {});
    }
    if (!this.#command(command) || this.#queue.here || !this.#paused) return;
    this.#chain.close();
    this.#want = null;
  }

  /** Have the server do something now or not at all: what is said later may mean something else by then. */
  #command(type, data = {}) {
    const sent = this.#asking.say(type, data);
    if (!sent) this.#tell(UNREACHABLE);
    return sent;
  }

  /** What was clicked could not be put into the queue: all is as if it had not been. */
  #goBack({ want, paused, lost }) {
    this.#want = want;
    if (paused) this.#rest();
    else if (lost) this.#playOn();
    else if (want?.later) this.#begin(want);
  }

  /** Have again what was wanted or heard when the line was lost. */
  #playOn() {
    if (this.#want) this.#begin(this.#want);
    else this.#goOn();
  }

  #wake(sampleRate) {
    this.#paused = false;
    this.#output.wake(sampleRate);
    this.#chain.resume();
  }

  #rest() {
    this.#paused = true;
    this.#chain.pause();
    this.#output.suspend();
  }

  /** What was heard before the line was lost goes on, unless others play by now. */
  #connected() {
    const { outputs, entry_id } = this.#queue.player;
    const { heard } = this.#chain;
    this.#asking.begin();
    if (this.#parked) return;
    if (this.#paused ? heard && heard.entryId !== entry_id : outputs.length) this.#chain.close();
    if (this.#paused && this.#want) this.#want.sent = false;
    else if (outputs.length) this.#want = null;
    else if (this.#want?.before) this.#want.before.lost = true;
    else this.#playOn();
    this.#follow();
  }

  #message({ type, data }) {
    if (type === "audio_stream_start") this.#started(data);
    else if (type === "audio_stream_end") this.#ended(data);
    else if (type === "audio_stream_drop") this.#dropped(data);
    else if (type === "audio_stream_error") this.#refused(data);
    else if (type === "error") this.#tell(problemText(data));
    else if (type === "pong") this.#follow();
  }

  #started(start) {
    if (this.#parked) return;
    const want = this.#want;
    const { follows_stream_id: follows, follows_frames: frames } = start;
    const track = this.#queue.trackOf(start.track_id);
    const stretch = new Stretch(track, start, { credit: FIRST_FRAMES });
    if (follows !== null) this.#chain.follow(stretch, follows, frames);
    else if (want?.onto && beginsAt(want, start)) this.#chain.append(stretch);
    else this.#chain.begin(stretch);
    if (this.#asksAgain) this.#tell("", "note");
    this.#asksAgain = false;
    if (want?.onto) this.#want = null;
    this.#follow();
  }

  #ended(end) {
    const stretch = this.#chain.end(end);
    if (!stretch) return;
    if (end.reason === "stopped") this.#chain.close();
    else if (!stretch.stalled && !stretch.replaced && stretch.nextEntryId === null) this.#chain.finish();
    this.#follow();
  }

  #dropped({ after_stream_id }) {
    this.#chain.drop(after_stream_id);
    this.#chain.finish();
    this.#follow();
  }

  /** A stream that does not begin, or breaks off. Whether another one follows, the server knows. */
  #refused({ code, message, entry_id, track_id }) {
    const want = this.#want;
    if (want?.sent && !this.#asking.answered && want.entryId !== entry_id) return; // that is no longer wanted
    const patient = code === "analysis_running";
    const { title } = this.#queue.trackOf(track_id) ?? {};
    this.#tell(problemText({ code, message }, title), patient ? "note" : "problem");
    if (patient && !this.#paused) this.#askLater(entry_id);
    else if (!this.#chain.live) this.#chain.finish();
    this.#changed();
  }

  /** The server will be able to answer soon. */
  #askLater(entryId) {
    const anew = { track: this.#queue.trackOfEntry(entryId), frame: 0 };
    const place = this.#want?.entryId === entryId ? this.#want : anew;
    const want = { ...place, entryId, onto: this.#chain.heard !== null, sent: true, later: true };
    this.#want = want;
    this.#asksAgain = true;
    setTimeout(() => want === this.#want && this.#begin(want), AGAIN_MS);
  }

  /** Take the server's word for whether this page plays, and whether that is paused. */
  #follow() {
    if (this.#asking.answered && !this.#parked) {
      if (this.#queue.here) this.#play();
      else if (!this.#chain.live) this.#leave();
    }
    this.#changed();
  }

  #play() {
    const { state } = this.#queue.player;
    if (state === "paused" && !this.#paused) this.#rest();
    if (state === "playing" && this.#want?.sent === false) return this.#begin(this.#want);
    if (state === "playing" && this.#paused) this.#wake(null);
    if (this.#chain.heard && !this.#want?.onto) this.#want = null;
    return this.#chain.open();
  }

  /** This page plays no more; the last of what it was sent is heard, unless it slept and others play by now. */
  #leave() {
    if (this.#chain.last?.stalled && this.#queue.elsewhere) this.#chain.close();
    const waits = this.#want?.later;
    if (!waits && (this.#want?.sent || this.#queue.elsewhere)) this.#want = null;
    this.#chain.finish();
    if (!waits && !this.#chain.heard && !this.#paused) this.#rest();
  }

  /** Ask for what comes behind the last frame that has arrived, which the server no longer sends by itself. */
  #goOn() {
    const { last, live } = this.#chain;
    if (!last || live || this.#want || this.#paused || this.#line.state !== "open") return;
    const { sampleRate } = last;
    const entryId = last.complete ? last.nextEntryId : last.entryId;
    const frame = last.complete ? 0 : last.nextFrame;
    const track = this.#queue.trackOfEntry(entryId);
    if (entryId !== null) this.#begin({ entryId, track, frame, sampleRate, onto: true });
  }

  /** Stop here, and say why; `resume` tries again from this frame. */
  #fail(text) {
    this.#stop(this.state);
    this.#tell(text);
  }

  #tell(text, kind = "problem") {
    this.dispatchEvent(new CustomEvent(kind, { detail: text }));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
