/**
 * The output: the one AudioContext, the volume, and what a level meter looks at. The context runs at the stream's own
 * rate, so that nothing is resampled on the way to the browser's mixer.
 */

import { bufferFrames, windowFrames } from "./credit.js";
import { openDeck, prepareDecks } from "./deck.js";
import { folded } from "./fold.js";
import { StereoMeter } from "./meter.js";

const START_S = 0.1;
const REFILL_S = 0.75;
const REPORT_S = 0.1;
const VOLUME_GLIDE_S = 0.015;

/** The browser cannot give the sound that is needed; the text is for people. */
export class OutputError extends Error {}

export class Output extends EventTarget {
  #context = null;
  #ready = null;
  #gain = null;
  #meter = null;
  #volume = 1;
  #tap;

  /** @param {{tap: boolean}} options with `tap`, decks copy what leaves them into their reports */
  constructor({ tap }) {
    super();
    this.#tap = tap;
  }

  /**
   * Let sound begin. Called while a click or key is handled, since only then browsers allow it; `sampleRate`, if it is
   * known, is that of the next deck.
   */
  wake(sampleRate) {
    try {
      if (sampleRate) this.#contextAt(sampleRate);
    } catch (error) {
      if (!(error instanceof OutputError)) throw error; // openDeck will meet it and say so
    }
    settle(this.#context?.resume());
  }

  /** Let the device rest. */
  suspend() {
    settle(this.#context?.suspend());
  }

  /**
   * A deck for samples of this rate and number of channels, or for two versions of them. Another rate asked for
   * meanwhile takes its context away.
   * @param {{sampleRate: number, channels: number, twin?: boolean}} sound
   * @throws {OutputError}
   */
  async openDeck(sound, onReport) {
    const { sampleRate, channels } = sound;
    const context = this.#contextAt(sampleRate);
    if (!(await this.#ready)) throw new OutputError("The player could not be loaded. Reload the page.");
    const deck = openDeck(context, this.#settings(sound), onReport);
    const { destination } = context;
    destination.channelCount = Math.max(2, Math.min(channels, destination.maxChannelCount));
    const node = folded(deck.node, channels);
    node.connect(this.#gain);
    node.connect(this.#meter.input);
    return deck;
  }

  /** The position of the volume control, 0 to 1; the gain is its square, which is nearer to how loudness is heard. */
  get volume() {
    return this.#volume;
  }

  set volume(volume) {
    this.#volume = volume;
    this.#gain?.gain.setTargetAtTime(volume ** 2, this.#context.currentTime, VOLUME_GLIDE_S);
  }

  /** The peaks just now, left and right, as fractions of full scale, before the volume. */
  levels() {
    return this.#meter?.levels() ?? [0, 0];
  }

  #contextAt(sampleRate) {
    if (this.#context?.sampleRate === sampleRate) return this.#context;
    const context = newContext(sampleRate);
    this.#context?.close();
    this.#context = context;
    this.#ready = prepareDecks(context).then(
      () => true,
      () => false,
    );
    this.#gain = context.createGain();
    this.#gain.gain.value = this.#volume ** 2;
    this.#gain.connect(context.destination);
    this.#meter = new StereoMeter(context);
    context.onstatechange = () => this.#changed(context);
    return context;
  }

  /** A phone call, for one, takes the sound away. */
  #changed(context) {
    if (context === this.#context && context.state === "interrupted") this.dispatchEvent(new Event("held"));
  }

  #settings({ sampleRate, channels, twin = false }) {
    return {
      channels,
      sampleRate,
      twin,
      capacityFrames: bufferFrames(sampleRate, channels),
      startFrames: Math.ceil(START_S * sampleRate),
      refillFrames: Math.ceil(REFILL_S * sampleRate),
      mostFrames: Math.floor(windowFrames(sampleRate, channels) / 2), // which is always granted, in whatever steps
      reportFrames: Math.ceil(REPORT_S * sampleRate),
      tap: this.#tap,
    };
  }
}

function newContext(sampleRate) {
  try {
    return new AudioContext({ sampleRate, latencyHint: "playback" });
  } catch (error) {
    if (error.name !== "NotSupportedError") throw error;
    throw new OutputError(`This browser cannot play sound at ${sampleRate} Hz. Try it in another browser.`);
  }
}

/** A context that is closed meanwhile refuses to wake or rest; its successor is told what it has to know. */
function settle(promise) {
  promise?.catch(() => {});
}
