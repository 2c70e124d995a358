/** The places of the library, as the address names them: `#/albums`, `#/albums/12`, `#/playlists/3`; else the tracks. */

const PLACE = /^#\/(albums|playlists)(?:\/([1-9]\d{0,9}))?$/;

/** What an address leads to: a shelf, or with an id one thing on it. */
export function parsePlace(hash) {
  const [, shelf = "tracks", id = null] = PLACE.exec(hash) ?? [];
  return { shelf, id: id && Number(id) };
}

/** The address of a shelf, or of one thing on it. */
export function placeHash(shelf, id = null) {
  return id === null ? `#/${shelf}` : `#/${shelf}/${id}`;
}
