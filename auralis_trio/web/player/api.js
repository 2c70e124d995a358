/** What the page asks over HTTP. Every failure is an ApiError whose text is for people. */

import { problemText } from "./problems.js";

/** The statuses of the fours that are another one a little later. */
const PASSING = [408, 429];

export class ApiError extends Error {
  /** @param {string} text @param {?number} status of the answer; null where there was none */
  constructor(text, status = null) {
    super(text);
    /** Whether the server has said that this cannot be, so that asking once more leads to the same. */
    this.refused = status >= 400 && status < 500 && !PASSING.includes(status);
    /** Whether there is no such thing. */
    this.missing = status === 404;
  }
}

/** The sizes in which there are pictures, in pixels. */
export const PICTURE_SIZES = [64, 128, 256, 512, 1024];

/** Where an album's picture is in one of these sizes; without a `revision` the one that it has now, if any. */
export function pictureOf(albumId, size, revision = null) {
  const query = new URLSearchParams({ size, optional: true, ...(revision && { revision }) });
  return `/api/albums/${albumId}/artwork?${query}`;
}

/** One track of the library. */
export function fetchTrack(trackId, signal) {
  return fetchJson(`/api/library/tracks/${trackId}`, { signal });
}

/**
 * One page of a list: the first, or the one behind the page whose `next_cursor` is given.
 * @param {string} path of the list: `library/tracks`, `albums`, `albums/ID/tracks`, `playlists`, ...
 * @param {{limit: number, cursor?: ?string, search?: string, sort?: ?string}} query without `sort` in the order that
 *   the list has of itself; tracks that are searched for by how well they are found
 * @returns {Promise<{items: object[], total: number, next_cursor: ?string}>}
 */
export function fetchPage(path, { limit, cursor, search, sort }, signal) {
  const query = new URLSearchParams({ limit });
  if (cursor) query.set("cursor", cursor);
  if (search) query.set("search", search);
  if (sort) query.set("sort", sort);
  return fetchJson(`/api/${path}?${query}`, { signal });
}

/** One album: its title, artist, year, discs and length. */
export function fetchAlbum(albumId, signal) {
  return fetchJson(`/api/albums/${albumId}`, { signal });
}

/** One playlist; of a smart one, how much it finds now. */
export function fetchPlaylist(playlistId, signal) {
  return fetchJson(`/api/playlists/${playlistId}`, { signal });
}

/** Make a playlist of tracks. */
export function createPlaylist(name, trackIds = []) {
  return fetchJson("/api/playlists", { method: "POST", data: { name, track_ids: trackIds } });
}

export function renamePlaylist(playlistId, name) {
  return fetchJson(`/api/playlists/${playlistId}`, { method: "PUT", data: { name } });
}

export function deletePlaylist(playlistId) {
  return fetchJson(`/api/playlists/${playlistId}`, { method: "DELETE" });
}

/** Put tracks at the end of a playlist. */
export function addToPlaylist(playlistId, trackIds) {
  return fetchJson(`/api/playlists/${playlistId}/tracks`, { method: "POST", data: { track_ids: trackIds } });
}

/** Give an entry of a playlist another place. */
export function moveInPlaylist(playlistId, entryId, position) {
  const data = { entry_ids: [entryId], position };
  return fetchJson(`/api/playlists/${playlistId}/tracks/reorder`, { method: "PUT", data });
}

export function removeFromPlaylist(playlistId, entryId) {
  return fetchJson(`/api/playlists/${playlistId}/entries/${entryId}`, { method: "DELETE" });
}

/** Make a track a favourite, or no more one. */
export function setFavorite(trackId, favorite) {
  const data = favorite ? {} : undefined;
  return fetchJson(`/api/library/tracks/${trackId}/favorite`, { method: favorite ? "POST" : "DELETE", data });
}

/** The presets there are, each with its `name`, `label` and `description`. */
export async function fetchPresets() {
  return (await fetchJson("/api/processing/presets")).items;
}

/** What a preset does to a track at an intensity: `recipe`, and the loudness that it leads to. */
export function fetchParameters(trackId, { preset, intensity }) {
  return fetchJson(`/api/processing/parameters?${new URLSearchParams({ track_id: trackId, preset, intensity })}`);
}

/** What was measured of a track. */
export function fetchProfile(trackId) {
  return fetchJson(`/api/library/tracks/${trackId}/profile`);
}

/** The preset that suits a track best, and why. */
export function fetchRecommendation(trackId) {
  return fetchJson(`/api/player/mastering/recommendation/${trackId}`);
}

/** What is played and where, of all who play the queue. */
export function fetchPlayer() {
  return fetchJson("/api/player/status");
}

/** Tell all who play the queue to do something: `pause`, `jump`, ... */
export function commandPlayer(command, data = {}) {
  return fetchJson(`/api/player/${command}`, { method: "POST", data });
}

/** A part of the play queue: `items` with their tracks, and what the queue is like. */
export function fetchQueue({ limit, offset }) {
  return fetchJson(`/api/player/queue?${new URLSearchParams({ limit, offset })}`);
}

/**
 * Edit the play queue.
 * @param {string} action `set` or one of the edits' names
 * @returns {Promise<{revision: number, entry_ids: number[]}>} the entries that were made
 */
export function orderQueue(action, data) {
  const method = action === "move" ? "PUT" : "POST";
  return fetchJson(`/api/player/queue${action === "set" ? "" : `/${action}`}`, { method, data });
}

/** How things are to sound where nobody says otherwise. */
export function fetchSettings() {
  return fetchJson("/api/settings");
}

export function changeSettings(data) {
  return fetchJson("/api/settings", { method: "PUT", data });
}

/** Whether the server takes files, which `extensions` and how many bytes of one. */
export function fetchUploads() {
  return fetchJson("/api/library/uploads");
}

/**
 * Send a file of music; the library tells of its track when it has been looked at.
 * @param {File} file
 * @param {{signal: AbortSignal, onProgress: (share: number) => void}} options
 * @returns {Promise<{file: ?string, duplicate: boolean}>}
 */
export function sendFile(file, { signal, onProgress }) {
  const request = new XMLHttpRequest(); // fetch does not tell how much is sent
  const name = encodeURIComponent(file.name.toWellFormed()).replace(/['()*]/g, (char) => `%${char.charCodeAt(0).toString(16)}`);
  request.open("POST", "/api/library/uploads?wait_s=0");
  request.responseType = "json";
  request.setRequestHeader("Content-Type", "application/octet-stream");
  request.setRequestHeader("Content-Disposition", `attachment; filename*=UTF-8''${name}`);
  request.upload.addEventListener("progress", ({ loaded, total }) => onProgress(total ? loaded / total : 0));
  return new Promise((resolve, reject) => {
    const stop = () => request.abort();
    signal.addEventListener("abort", stop);
    request.addEventListener("loadend", () => signal.removeEventListener("abort", stop));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    request.addEventListener("error", () => reject(new ApiError("The upload broke off. Check the connection and the file, then try again.")));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request.response);
      else reject(new ApiError(request.response?.detail ?? `The server answered with status ${request.status}. Try again.`));
    });
    request.send(file);
  });
}

async function fetchJson(path, { signal, method = "GET", data } = {}) {
  const headers = { Accept: "application/json", ...(data && { "Content-Type": "application/json" }) };
  let response;
  try {
    response = await fetch(path, { signal, method, headers, body: data && JSON.stringify(data) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Check that it is running, then try again.");
  }
  if (!response.ok) throw await refusal(response);
  return response.json();
}

async function refusal(response) {
  const { status } = response;
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  const { code, detail, title } = isProblem ? await response.json() : {};
  const message = detail ?? title ?? `The server answered with status ${status}. Try again.`;
  return new ApiError(problemText({ code, message }), status);
}
