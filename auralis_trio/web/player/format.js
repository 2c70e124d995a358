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

/** 75.3 gives "1 min", 9000 gives "2 h 30 min": how long something is, not where in it. */
export function lengthText(seconds) {
  if (seconds === null || !Number.isFinite(seconds)) return "";
  if (Math.round(seconds) < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  return [hours && `${hours} h`, (rest || !hours) && `${rest} min`].filter(Boolean).join(" ");
}

/** 75.3 gives "1 minute 15 seconds", for those who listen to the page. */
export function spokenTime(seconds) {
  const whole = Math.floor(seconds);
  const units = [["hour", Math.floor(whole / 3600)], ["minute", Math.floor(whole / 60) % 60], ["second", whole % 60]];
  const spoken = units.filter(([, count]) => count).map(([unit, count]) => `${count} ${unit}${count === 1 ? "" : "s"}`);
  return spoken.join(" ") || "0 seconds";
}

/** 1 and "track" give "1 track", 1200 gives "1,200 tracks". */
export function countText(count, what) {
  return `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;
}

/** What a track is called; of one that is only just being asked for nothing is known but its id. */
export function titleOf(track) {
  return "title" in track ? (track.title ?? "Untitled") : "…";
}

/** What the file is: "FLAC · 44.1 kHz · 16 bit · stereo". */
export function signalText({ format, sampleRate, bits, channels }) {
  const rate = sampleRate ? `${sampleRate / 1000} kHz` : null;
  const layout = channels ? (CHANNEL_NAMES.get(channels) ?? `${channels} channels`) : null;
  return [format?.toUpperCase(), rate, bits ? `${bits} bit` : null, layout].filter(Boolean).join(" · ");
}

/** -3.25 gives "−3.3" and 2 gives "+2.0": a change, or a level on a scale that is mostly negative. */
export function signed(number, digits = 1) {
  const rounded = Math.abs(number).toFixed(digits);
  return Number(rounded) === 0 ? rounded : `${number < 0 ? "−" : "+"}${rounded}`;
}

/** -14 gives "−14.0 LUFS". */
export function levelText(number, unit = "") {
  return `${number.toFixed(1).replace("-", "−")} ${unit}`.trimEnd();
}

/** 0.038 gives "3.8 %", for chances; the very small ones are only bounded. */
export function chanceText(chance) {
  const percent = chance * 100;
  if (percent < 0.1) return "less than 0.1 %";
  return `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}

/**
 * What is done to the sound: "mastered: warm 80 %, +3.2 dB to −15.0 LUFS", as far as it is known; and if it comes in an
 * encoding that loses something, that.
 */
export function soundText({ enhanced, preset, intensity }, done, encoding = null) {
  const gain = done ? gainText(done) : "";
  const made = enhanced ? `mastered: ${preset} ${Math.round(intensity * 100)} %${gain && `, ${gain}`}` : "as recorded";
  return encoding === "opus" ? `${made} · sent as Opus` : made;
}

/** How far the level is moved, and to which loudness: "+3.2 dB to −15.0 LUFS". */
function gainText({ recipe, expected_lufs }) {
  const gain = `${signed(recipe.gain_db)} dB`;
  return expected_lufs === null ? gain : `${gain} to ${levelText(expected_lufs, "LUFS")}`;
}
