/** What listeners are told where the server's words are advice for programs. */

const TEXTS = {
  track_not_found: "This track is no longer in the library.",
  album_not_found: "This album is no longer in the library. Its files may have been moved, or their tags changed.",
  playlist_not_found: "There is no such playlist any more. It may have been deleted on another device.",
  entry_not_found: "This track is no longer there.",
};

/** The text for people of what the server refuses. @param {{code: string, message: string}} problem */
export function problemText({ code, message }) {
  return TEXTS[code] ?? message;
}
