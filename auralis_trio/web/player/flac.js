/**
 * FLAC (RFC 9639): a packet's payload is a stream of its own, and decoders of browsers take its head and its frames one
 * by one. Frames say nowhere how long they are, so each is found by its own header. Pure.
 */

import { PacketError } from "./packet.js";

const MARK_BYTES = 4;
const BLOCK_HEADER_BYTES = 4;
const STREAMINFO_BYTES = 34;
const HEAD_BYTES = MARK_BYTES + BLOCK_HEADER_BYTES + STREAMINFO_BYTES;
const LAST_BLOCK = 0x80;
const LEAST_FRAME_BYTES = 10;
const MOST_FRAMES = 128; // from there on their numbers take more than a byte; a packet has a few

/** The bytes that follow a frame's number in its header, by the codes for its length and its sample rate. */
const LENGTH_BYTES = new Map([[6, 1], [7, 2]]);
const RATE_BYTES = new Map([[12, 1], [13, 2], [14, 2]]);

/**
 * The parts of a FLAC stream: the `head` that a decoder is set up with (section 8), and its `frames`.
 * @param {Uint8Array} stream @returns {{head: Uint8Array, frames: Uint8Array[]}}
 */
export function flacParts(stream) {
  const head = stream.slice(0, HEAD_BYTES);
  head[MARK_BYTES] |= LAST_BLOCK;
  const starts = [firstFrame(stream)];
  for (let at = starts[0] + LEAST_FRAME_BYTES; at < stream.length && starts.length < MOST_FRAMES; at += 1) {
    if (beginsFrame(stream, at, starts[0], starts.length)) starts.push(at);
  }
  return { head, frames: starts.map((start, number) => stream.subarray(start, starts[number + 1])) };
}

/** Behind the blocks of metadata. */
function firstFrame(stream) {
  let at = MARK_BYTES;
  for (let last = false; !last; ) {
    if (at + BLOCK_HEADER_BYTES > stream.length) throw new PacketError("a FLAC stream without a frame");
    last = (stream[at] & LAST_BLOCK) !== 0;
    at += BLOCK_HEADER_BYTES + ((stream[at + 1] << 16) | (stream[at + 2] << 8) | stream[at + 3]);
  }
  return at;
}

/** Whether the frame of this number begins here: its header is like the first one's, and its check (section 9.1.8) fits. */
function beginsFrame(stream, at, first, number) {
  if (stream[at] !== 0xff || stream[at + 1] !== stream[first + 1]) return false;
  if (stream[at + 4] !== number) return false;
  const [length, rate] = [stream[at + 2] >> 4, stream[at + 2] & 15];
  const size = 5 + (LENGTH_BYTES.get(length) ?? 0) + (RATE_BYTES.get(rate) ?? 0);
  return crc8(stream.subarray(at, at + size)) === stream[at + size];
}

/** The polynomial x^8 + x^2 + x + 1, begun with 0. */
function crc8(bytes) {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x80 ? 0x07 : 0)) & 0xff;
  }
  return crc;
}
