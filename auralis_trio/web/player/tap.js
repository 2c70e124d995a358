/** The tap: keeps the very samples that left the decks, so that a test can compare them with the file's. Bounded. */

const LONGEST_S = 60;

export class Tap {
  /**
   * One record a tape: `planes` is a list of blocks, each one Float32Array a channel; `marks` say where on the tape
   * which frame of which track lies. At most 60 s of each record, and the last 16 records, are kept.
   */
  records = [];
  #recordOf = new WeakMap();

  hear(tape, { tapped, underruns, ended }) {
    const record = this.#recordOf.get(tape) ?? this.#begin(tape);
    Object.assign(record, { underruns, ended });
    for (const { track, streamId, startFrame, tapeStart, sound } of tape.stretches) {
      if (!record.marks.some((mark) => mark.tapeStart === tapeStart && mark.streamId === streamId)) {
        record.marks.push({ trackId: track.id, streamId, startFrame, tapeStart, sound });
      }
    }
    for (const planes of tapped) {
      if (record.frames + planes[0].length > LONGEST_S * record.sampleRate) return;
      record.planes.push(planes);
      record.frames += planes[0].length;
    }
  }

  #begin(tape) {
    const { sampleRate, channels } = tape;
    const record = { sampleRate, channels, marks: [], planes: [], frames: 0, underruns: 0, ended: false };
    this.#recordOf.set(tape, record);
    this.records = [...this.records, record].slice(-16);
    return record;
  }
}
