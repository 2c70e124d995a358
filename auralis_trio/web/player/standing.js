/** What there is to show of a page that plays the queue. Pure. */

import { frameAt } from "./position.js";

/** Where it is: at what it wants, at what is heard, or else where the player is. */
function placeOf({ queue, chain, want }) {
  const { heard, frame } = chain;
  if (want && !want.onto) return { ...want, track: queue.trackOf(want.track?.id) };
  if (heard) {
    const { entryId, sampleRate } = heard;
    return { entryId, track: queue.trackOf(heard.track.id), frame, sampleRate, heard };
  }
  const { entry_id, track_id } = queue.player;
  return { entryId: entry_id, track: queue.trackOf(track_id) };
}

/**
 * `track` is null while the queue is empty; lengths that are not known are null. Frames are counted at `sampleRate`.
 * @param {{queue: import("./queue.js").Queue, chain: import("./chain.js").Chain, want: ?object, paused: boolean,
 *   elsewhere: boolean}} page `want` is the place that it wants to be at
 */
export function stateOf({ queue, chain, want, paused, elsewhere }) {
  const place = placeOf({ queue, chain, want });
  const { entryId, track, heard } = place;
  const sampleRate = place.sampleRate ?? track?.sample_rate ?? null;
  const whole = { frame: track?.total_frames ?? null, sampleRate: track?.sample_rate };
  const playing = !paused && track !== null;
  return {
    track,
    entryId,
    playing: playing || elsewhere,
    frame: place.frame ?? Math.round(queue.position_s * (sampleRate ?? 0)),
    totalFrames: heard?.totalFrames ?? frameAt(whole, sampleRate),
    sampleRate,
    channels: heard?.channels ?? track?.channels ?? null,
    waiting: playing && (!heard || chain.waiting),
    underruns: chain.underruns,
    sound: heard?.sound ?? null,
    encoding: heard?.encoding ?? null,
  };
}
