/**
 * Channel layouts that Web Audio does not know by itself (3, 5, 7 and 8 channels), laid onto 5.1, which it mixes
 * down to whatever the loudspeakers are. Without this the centre, and with it the voice, would be dropped.
 */

const FRONT = [0, 1, 2];
const CHANNELS_5_1 = 6;

/** For each channel as files order them, the 5.1 channels that it goes to. */
const LAYOUTS = new Map([
  [3, FRONT],
  [5, [...FRONT, 4, 5]],
  [7, [...FRONT, 3, [4, 5], 4, 5]],
  [8, [...FRONT, 3, 4, 5, 4, 5]],
]);

/** The node to connect onward: `node` itself, or `node` laid onto 5.1. */
export function folded(node, channels) {
  const layout = LAYOUTS.get(channels);
  const { context } = node;
  if (!layout || context.destination.channelCount >= channels) return node;
  const splitter = context.createChannelSplitter(channels);
  const merger = context.createChannelMerger(CHANNELS_5_1);
  node.connect(splitter);
  layout.forEach((targets, channel) => {
    for (const target of [targets].flat()) splitter.connect(merger, channel, target);
  });
  return merger;
}
