/**
 * Packets: the binary messages of the WebSocket, a header of 24 bytes and samples behind it.
 * Pure: bytes in, planar float samples out.
 */

export const HEADER_BYTES = 24;
const VERSION = 1;
const FLAG_FIRST = 1;
const FLAG_LAST = 2;
const FLAG_PROVISIONAL = 4;
const SAMPLE_BYTES = new Map([[1, 2], [2, 3], [3, 4]]);

/** The one sample rate of Opus, to which all else is resampled by the server. */
export const OPUS_RATE = 48_000;

/** A packet that does not keep to the protocol. */
export class PacketError extends Error {}

/** The shortest encoding that keeps every bit of a track; lossy and floating-point sources have no word length. */
export function exactEncoding({ bits }) {
  if (!bits || bits > 24) return "f32";
  return bits > 16 ? "s24" : "s16";
}

/**
 * What streams of these tracks are sent in, null being one that is not known. The form is what was chosen for this
 * device: "exact", or the encoding to be used. What is done to the sound is finer than 16 bits, whatever the recordings
 * have.
 */
export function encodingOf(tracks, { processed, form }) {
  if (form !== "exact") return form;
  const needed = tracks.map((track) => (track ? exactEncoding(track) : "f32"));
  return ["f32", "s24"].find((encoding) => needed.includes(encoding)) ?? (processed ? "s24" : "s16");
}

/** The rate that a track is heard at in an encoding; null where its own is not known. */
export function rateOf(track, encoding) {
  return encoding === "opus" ? OPUS_RATE : (track?.sample_rate ?? null);
}

/**
 * Read a packet's header. `payload` looks into `buffer`, nothing is copied.
 * @param {ArrayBuffer} buffer
 */
export function parsePacket(buffer) {
  if (buffer.byteLength <= HEADER_BYTES) throw new PacketError("a packet without samples");
  const header = new DataView(buffer, 0, HEADER_BYTES);
  if (header.getUint8(0) !== VERSION) throw new PacketError("a packet of another version");
  const flags = header.getUint16(2, true);
  return {
    encoding: header.getUint8(1),
    first: (flags & FLAG_FIRST) !== 0,
    last: (flags & FLAG_LAST) !== 0,
    provisional: (flags & FLAG_PROVISIONAL) !== 0,
    streamId: header.getUint32(4, true),
    startFrame: Number(header.getBigUint64(8, true)),
    frames: header.getUint32(16, true),
    sequence: header.getUint32(20, true),
    payload: new Uint8Array(buffer, HEADER_BYTES),
  };
}

/**
 * The packet's samples, one Float32Array a channel, full scale at 1.
 * @param {ReturnType<typeof parsePacket>} packet
 * @param {number} channels
 */
export function planarSamples(packet, channels) {
  const sampleBytes = SAMPLE_BYTES.get(packet.encoding);
  if (!sampleBytes) throw new PacketError("a packet in an encoding that was not asked for");
  if (packet.payload.byteLength !== packet.frames * channels * sampleBytes) {
    throw new PacketError("a packet whose length is not that of its frames");
  }
  const sampleAt = sampleReader(packet);
  return Array.from({ length: channels }, (_, channel) => {
    const plane = new Float32Array(packet.frames);
    for (let frame = 0, at = channel; frame < packet.frames; frame += 1, at += channels) plane[frame] = sampleAt(at);
    return plane;
  });
}

/** Typed arrays read in the machine's byte order, which is little-endian wherever a browser runs. */
function sampleReader({ encoding, payload }) {
  const { buffer, byteOffset } = payload;
  if (encoding === 3) {
    const samples = new Float32Array(buffer, byteOffset);
    return (at) => samples[at];
  }
  if (encoding === 1) {
    const samples = new Int16Array(buffer, byteOffset);
    return (at) => samples[at] / 0x8000;
  }
  return (at) => {
    const byte = at * 3;
    return (payload[byte] | (payload[byte + 1] << 8) | ((payload[byte + 2] << 24) >> 8)) / 0x800000;
  };
}
