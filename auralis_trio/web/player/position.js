/** Positions in tracks: frames, and the sample rate that they are counted at, which is that of a stream. Pure. */

/** The same position counted at another rate; where a rate is not known, there is nothing to convert. */
export function frameAt({ frame, sampleRate }, otherRate) {
  if (!frame || !sampleRate || !otherRate || sampleRate === otherRate) return frame;
  return Math.round((frame * otherRate) / sampleRate);
}

/** Whether a stream begins at this place of the queue. @param {object} start the data of audio_stream_start */
export function beginsAt({ entryId, ...position }, start) {
  return entryId === start.entry_id && frameAt(position, start.sample_rate) === start.start_frame;
}

/**
 * What the server is told: a time, which is the same at every rate; that of the frame's middle, which no rounding takes
 * away. No frame: the server knows.
 */
export function startOf({ frame, sampleRate }) {
  if (frame === null) return {};
  return frame && sampleRate ? { position_s: (frame + 0.5) / sampleRate } : { start_frame: frame };
}
