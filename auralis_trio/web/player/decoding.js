/**
 * Decoding: what makes samples of a stream's packets. Plain samples are there at once; what is compressed goes through
 * the browser's own decoder, one for each stream, which gives them a moment later and in the same order.
 */

import { flacParts } from "./flac.js";
import { OPUS_RATE, planarSamples } from "./packet.js";

const OPUS_PRE_SKIP_AT = 10;
const CODECS = ["flac", "opus"];

/** Those compressed encodings that this browser decodes. @returns {Promise<string[]>} */
export async function decodable() {
  if (!globalThis.AudioDecoder) return []; // as on pages that came over plain HTTP from another machine
  const asked = CODECS.map((codec) => AudioDecoder.isConfigSupported(exampleOf(codec)));
  const answers = await Promise.allSettled(asked);
  return CODECS.filter((_, number) => answers[number].value?.supported);
}

/** Any stream of a codec. */
function exampleOf(codec) {
  const config = { codec, sampleRate: OPUS_RATE, numberOfChannels: 2 };
  // "fLaC", and a STREAMINFO of 16 bits in frames of 4,096.
  const head = [0x66, 0x4c, 0x61, 0x43, 0x80, 0, 0, 34, 16, 0, 16, 0, 0, 0, 0, 0, 0, 0, 11, 184, 2, 240];
  return codec === "flac" ? { ...config, description: Uint8Array.from({ length: 42 }, (_, at) => head[at] ?? 0) } : config;
}

/**
 * What decodes a stream's packets: `decode(packet, take)` gives `take` the packet's samples, one Float32Array a channel;
 * `finish` says that there are no more, `close` that none are wanted any more.
 * @param {import("./tape.js").Stretch} stretch
 * @param {() => void} onFail what has arrived cannot be decoded
 */
export function openDecoding(stretch, onFail) {
  if (stretch.encoding === "flac") return new FlacDecoding(stretch, onFail);
  if (stretch.encoding === "opus") return new OpusDecoding(stretch, onFail);
  return new PlainDecoding(stretch);
}

class PlainDecoding {
  #channels;

  constructor({ channels }) {
    this.#channels = channels;
  }

  /** @throws {import("./packet.js").PacketError} */
  decode(packet, take) {
    take(planarSamples(packet, this.#channels));
  }

  finish() {}

  close() {}
}

/** One decoder of the browser. What it gives is one run of frames, of which each packet has as many as it says. */
class CodecDecoding {
  #decoder;
  #onFail;
  #channels;
  #sampleRate;
  #skip;
  #passed = 0;
  #due = []; // {planes, filled, take} of the packets that are not decoded yet, which credit bounds

  constructor({ channels, sampleRate }, onFail, skipFrames = 0) {
    this.#channels = channels;
    this.#sampleRate = sampleRate;
    this.#onFail = onFail;
    this.#skip = skipFrames;
    this.#decoder = new AudioDecoder({ output: (data) => this.#take(data), error: () => this.#fail() });
  }

  get isSetUp() {
    return this.#decoder.state !== "unconfigured";
  }

  setUp(codec, description) {
    this.#decoder.configure({ codec, description, sampleRate: this.#sampleRate, numberOfChannels: this.#channels });
  }

  /** Decode a packet of so many frames, which is in these pieces. */
  pass(frames, pieces, take) {
    if (this.#decoder.state !== "configured") return; // it has failed, which was said
    this.#due.push({ planes: Array.from({ length: this.#channels }, () => new Float32Array(frames)), filled: 0, take });
    for (const [number, data] of pieces.entries()) {
      const at = this.#passed + (frames * number) / pieces.length; // nobody asks for the time, but decoders want to know
      const timestamp = Math.round((1e6 * at) / this.#sampleRate);
      this.#decoder.decode(new EncodedAudioChunk({ type: "key", timestamp, data }));
    }
    this.#passed += frames;
  }

  /** Some browsers keep the last frames until they know that nothing follows. */
  async finish() {
    if (!this.#due.length) return this.close();
    try {
      await this.#decoder.flush();
    } catch {
      return; // it was closed, or has failed, which was said
    }
    if (this.#due.length) this.#fail();
    this.close();
  }

  close() {
    this.#onFail = () => {};
    this.#due = [];
    if (this.#decoder.state !== "closed") this.#decoder.close();
  }

  #take(data) {
    const fits = data.numberOfChannels === this.#channels;
    const planes = fits ? planesOf(data) : [];
    data.close();
    if (!fits) return this.#fail();
    const [{ length }] = planes;
    let at = Math.min(this.#skip, length);
    this.#skip -= at;
    while (at < length && this.#due.length) at += this.#fill(planes, at);
    // What is left over lies behind the last frame of the stream.
  }

  /** Give the first packet of those that are due what there is; gives how many frames that was. */
  #fill(planes, from) {
    const packet = this.#due[0];
    const frames = Math.min(planes[0].length - from, packet.planes[0].length - packet.filled);
    packet.planes.forEach((plane, channel) => plane.set(planes[channel].subarray(from, from + frames), packet.filled));
    packet.filled += frames;
    if (packet.filled === packet.planes[0].length) this.#due.shift().take(packet.planes);
    return frames;
  }

  #fail() {
    const fail = this.#onFail;
    this.close();
    fail();
  }
}

function planesOf(data) {
  return Array.from({ length: data.numberOfChannels }, (_, planeIndex) => {
    const plane = new Float32Array(data.numberOfFrames);
    data.copyTo(plane, { planeIndex, format: "f32-planar" });
    return plane;
  });
}

/** Packets of FLAC stand alone, so the head of one does for all. */
class FlacDecoding extends CodecDecoding {
  decode({ frames, payload }, take) {
    const parts = flacParts(payload);
    if (!this.isSetUp) this.setUp("flac", parts.head);
    this.pass(frames, parts.frames, take);
  }
}

/**
 * Packets of Opus are one run, which is late by its pre-skip (RFC 7845 section 4.2). Some browsers drop that by
 * themselves where the head tells them of it, and others do not: so the head that they get says that there is none.
 */
class OpusDecoding extends CodecDecoding {
  constructor(stretch, onFail) {
    super(stretch, onFail, stretch.preSkipFrames);
    const description = Uint8Array.from(atob(stretch.opusHead), (character) => character.charCodeAt(0));
    description.fill(0, OPUS_PRE_SKIP_AT, OPUS_PRE_SKIP_AT + 2);
    this.setUp("opus", description);
  }

  decode({ frames, payload }, take) {
    this.pass(frames, [payload], take);
  }
}
