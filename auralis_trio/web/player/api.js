/** What the page asks over HTTP. Every failure is an ApiError whose text is for people. */

export class ApiError extends Error {}

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
 * One page of the library: the first, or the one behind the page whose `next_cursor` is given.
 * @param {{limit: number, cursor?: ?string, search?: string, sort?: ?string}} query without `sort` what is searched
 *   for comes by how well it is found
 * @returns {Promise<{items: object[], total: number, next_cursor: ?string}>}
 */
export function fetchTracks({ limit, cursor, search, sort }, signal) {
  const query = new URLSearchParams({ limit });
  if (cursor) query.set("cursor", cursor);
  if (search) query.set("search", search);
  if (sort) query.set("sort", sort);
  return fetchJson(`/api/library/tracks?${query}`, { signal });
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

async function fetchJson(path, { signal, method = "GET", data } = {}) {
  const headers = { Accept: "application/json", ...(data && { "Content-Type": "application/json" }) };
  let response;
  try {
    response = await fetch(path, { signal, method, headers, body: data && JSON.stringify(data) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError("The server does not answer. Check that it is running, then try again.");
  }
  if (!response.ok) throw new ApiError(await problemText(response));
  return response.json();
}

async function problemText(response) {
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  const problem = isProblem ? await response.json() : {};
  return problem.detail ?? problem.title ?? `The server answered with status ${response.status}. Try again.`;
}
