/** What the page asks over HTTP. Every failure is an ApiError whose text is for people. */

export class ApiError extends Error {}

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
  return fetchJson(`/api/library/tracks?${query}`, signal);
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

async function fetchJson(path, signal) {
  let response;
  try {
    response = await fetch(path, { signal, headers: { Accept: "application/json" } });
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
