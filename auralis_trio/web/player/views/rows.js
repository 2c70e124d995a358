/** Rows of lists: made from a template, filled, put in order. Text from tags goes in as text. */

import { clockTime, signalText, titleOf } from "../format.js";

/** A new row. @param {HTMLTemplateElement} template */
export function newRow(template) {
  return template.content.firstElementChild.cloneNode(true);
}

/** Write a text into a part of a row, if another one stands there. */
export function write(row, selector, text) {
  const element = row.querySelector(selector);
  if (element.textContent !== (text ?? "")) element.textContent = text ?? "";
}

/** Fill the row of a track: with its album where that is not clear, and with a number where it has one. */
export function fillTrack(row, track, { album = track.album, number = null } = {}) {
  row.dataset.track = track.id;
  write(row, ".title", titleOf(track));
  write(row, ".artist", track.artist);
  write(row, ".dash", track.artist && album ? " — " : "");
  write(row, ".album", album);
  write(row, ".number", number === null ? "" : String(number));
  const file = signalText({ format: track.format, sampleRate: track.sample_rate });
  write(row, ".format", track.missing ? "file missing" : file);
  row.querySelector(".heart").hidden = !track.favorite;
  row.classList.toggle("missing", track.missing);
  row.querySelector(".more").setAttribute("aria-label", `More for ${titleOf(track)}`);
  write(row, ".time", clockTime(track.duration_s));
}

/** Have these rows in a list, in this order and no others; whoever has the focus keeps it. */
export function arrange(list, rows) {
  const active = list.contains(document.activeElement) ? document.activeElement : null;
  const wanted = new Set(rows);
  for (const row of [...list.children]) if (!wanted.has(row)) row.remove();
  let place = list.firstElementChild;
  for (const row of rows) {
    if (row === place) place = place.nextElementSibling;
    else list.insertBefore(row, place);
  }
  if (active?.isConnected && active !== document.activeElement) active.focus({ preventScroll: true });
}

/** Mark the rows of a track as heard, or as not heard any more. */
export function markHeard(root, trackId, { heard, playing }) {
  for (const row of root.querySelectorAll(`[data-track="${trackId}"]`)) {
    if (heard) row.dataset.state = playing ? "playing" : "paused";
    else delete row.dataset.state;
    row.querySelector(".track").setAttribute("aria-current", String(heard));
  }
}
