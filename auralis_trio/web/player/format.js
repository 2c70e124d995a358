/** Numbers as people read them. What is not known gives an empty string. */

const CHANNEL_NAMES = new Map([[1, "mono"], [2, "stereo"], [4, "quadraphonic"], [6, "5.1"], [8, "7.1"]]);

/** 75.3 gives "1:15", 3700 gives "1:01:40". */
export function clockTime(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** 75.3 gives "1 minute 15 seconds", for those who listen to the page. */
export function spokenTime(seconds) {
  const whole = Math.floor(seconds);
  const units = [["hour", Math.floor(whole / 3600)], ["minute", Math.floor(whole / 60) % 60], ["second", whole % 60]];
  const spoken = units.filter(([, count]) => count).map(([unit, count]) => `${count} ${unit}${count === 1 ? "" : "s"}`);
  return spoken.join(" ") || "0 seconds";
}

/** What the file is: "FLAC · 44.1 kHz · 16 bit · stereo". */
export function signalText({ format, sampleRate, bits, channels }) {
  const rate = sampleRate ? `${sampleRate / 1000} kHz` : null;
  const layout = channels ? (CHANNEL_NAMES.get(channels) ?? `${channels} channels`) : null;
  return [format?.toUpperCase(), rate, bits ? `${bits} bit` : null, layout].filter(Boolean).join(" · ");
}
