/** The report: what is done to the track that is heard, and what was measured of it. Only what is known is said. */

import { ApiError, fetchParameters, fetchProfile, fetchRecommendation } from "../api.js";
import { levelText, signed } from "../format.js";
import { drawCurves } from "./curve.js";

const MEASURED = [
  ["integrated_lufs", "Loudness", (value) => levelText(value, "LUFS")],
  ["loudness_range_lu", "Loudness range", (value) => `${value.toFixed(1)} LU`],
  ["true_peak_dbtp", "True peak", (value) => levelText(value, "dBTP")],
  ["crest_db", "Peaks above average", (value) => `${value.toFixed(1)} dB`],
  ["tempo_bpm", "Tempo", (value) => `${Math.round(value)} beats a minute`],
];
const LIMITS = {
  limiter: "the limiter would have to press too hard",
  ceiling: "its peaks leave no room for more",
};

export class SoundReport {
  #elements;
  #asked = null;

  /** @param {Record<string, HTMLElement>} elements by their ids */
  constructor(elements) {
    this.#elements = elements;
    elements["report-close"].addEventListener("click", () => elements.report.close());
  }

  /**
   * Open it on a track. What mastering does is shown also while the track is heard as recorded.
   * @param {{id: number, title: string | null}} track
   * @param {{enhanced: boolean} | null} sound what is heard; null while that is not known, or nobody's business
   * @param {{preset: string, intensity: number}} settings
   */
  async open(track, sound, settings) {
    const { preset, intensity } = sound?.enhanced ? sound : settings;
    const asked = (this.#asked = {});
    this.#empty(track);
    this.#write("report-note", "One moment…");
    this.#elements.report.showModal();
    try {
      const answers = await Promise.all([
        fetchParameters(track.id, { preset, intensity }),
        fetchProfile(track.id),
        fetchRecommendation(track.id),
      ]);
      if (asked !== this.#asked) return;
      this.#show(sound, ...answers);
      this.#write("report-note", "");
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (asked === this.#asked) this.#write("report-note", error.message);
    }
  }

  #empty(track) {
    this.#write("report-title", track.title ?? "Untitled");
    this.#write("report-what", "");
    this.#elements["report-figure"].hidden = true;
    for (const list of ["report-done", "report-measured"]) this.#elements[list].replaceChildren();
    this.#elements["report-measured-title"].hidden = true;
  }

  #show(sound, done, profile, { preset, reasons }) {
    this.#write("report-what", headline(sound, done.recipe));
    this.#drawCurve(done.recipe, done.band_hz);
    this.#list("report-done", doneRows(done, profile));
    this.#list("report-measured", [...measuredRows(profile), ["Suggested preset", `${preset}: ${reasons.join(" ")}`]]);
    this.#elements["report-measured-title"].hidden = false;
  }

  #drawCurve({ mid_eq_db, side_eq_db }, frequencies_hz) {
    const { "report-figure": figure, "report-curve": svg } = this.#elements;
    const differs = side_eq_db.some((gain_db, at) => gain_db !== mid_eq_db[at]);
    figure.hidden = !mid_eq_db.length;
    if (figure.hidden) return;
    const side = differs ? [{ kind: "side", gains_db: side_eq_db }] : [];
    drawCurves(svg, frequencies_hz, [...side, { kind: "mid", gains_db: mid_eq_db }]);
    this.#write("report-caption", differs ? "The equalizer; dashed: for what differs left and right" : "The equalizer");
  }

  #list(id, rows) {
    const items = rows.map(([name, text]) => {
      const row = document.createElement("div");
      row.append(element("dt", name), element("dd", text));
      return row;
    });
    this.#elements[id].replaceChildren(...items);
  }

  #write(id, text) {
    this.#elements[id].textContent = text;
  }
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

function headline(sound, { preset, intensity }) {
  const mastered = `${preset ?? "nothing is done"}, ${Math.round(intensity * 100)} %`;
  if (!sound) return `What mastering does: ${mastered}.`;
  return sound.enhanced ? `Heard mastered: ${mastered}.` : `Heard as recorded. Mastered (${mastered}), it would be so:`;
}

function doneRows({ recipe, target_lufs, expected_lufs, limited_by, shortfall_lu }, profile) {
  const before = profile.values.integrated_lufs?.value ?? null;
  const known = before !== null && expected_lufs !== null;
  return [
    ["Gain", `${signed(recipe.gain_db)} dB`],
    known && ["Loudness", `from ${levelText(before)} to ${levelText(expected_lufs, "LUFS")}`],
    limited_by && ["Not louder", `${shortfall_lu.toFixed(1)} LU below ${levelText(target_lufs, "LUFS")}: ${LIMITS[limited_by]}`],
    recipe.compressors.length && ["Compression", compressionText(recipe)],
    recipe.transient_db && ["Attacks", `lifted by up to ${recipe.transient_db.toFixed(1)} dB`],
    recipe.automation_db.length && ["Loud and quiet", `moved by up to ${mostOf(recipe.automation_db).toFixed(1)} dB`],
    recipe.ceiling_dbtp !== null && ["Peaks", `never above ${levelText(recipe.ceiling_dbtp, "dBTP")}`],
    recipe.trim_db && ["For comparison", `turned down by ${(-recipe.trim_db).toFixed(1)} dB`],
  ].filter(Boolean);
}

function compressionText({ compressors, crossovers_hz }) {
  const ratios = [...new Set(compressors.map(({ ratio }) => `${ratio.toFixed(1)} : 1`))].join(" to ");
  if (!crossovers_hz.length) return ratios;
  return `${ratios} in ${compressors.length} bands, parted at ${crossovers_hz.map((hz) => `${Math.round(hz)} Hz`).join(" and ")}`;
}

function mostOf(gains_db) {
  return Math.max(...gains_db.map(Math.abs));
}

function measuredRows({ values }) {
  return MEASURED.map(([name, label, text]) => {
    const { value, reason } = values[name] ?? { value: null, reason: "not measured" };
    return [label, value === null ? (reason ?? "not measured") : text(value)];
  });
}
