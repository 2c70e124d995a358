/** A stereo peak meter on a context: connect to `input`, ask for `levels()`. */

const METER_FRAMES = 2048;

export class StereoMeter {
  #analysers;
  #samples = new Float32Array(METER_FRAMES);

  constructor(context) {
    this.input = new GainNode(context, { channelCount: 2, channelCountMode: "explicit" });
    const splitter = context.createChannelSplitter(2);
    this.input.connect(splitter);
    this.#analysers = [0, 1].map((side) => {
      const analyser = new AnalyserNode(context, { fftSize: METER_FRAMES });
      splitter.connect(analyser, side);
      return analyser;
    });
  }

  /** The peaks of the last 2,048 frames, left and right. */
  levels() {
    return this.#analysers.map((analyser) => {
      analyser.getFloatTimeDomainData(this.#samples);
      return this.#samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0);
    });
  }
}
