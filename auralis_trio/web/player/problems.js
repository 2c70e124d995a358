/** What listeners are told where the server's words are advice for programs. */

const TEXTS = {
  track_not_found: "This track is no longer in the library.",
  album_not_found: "This album is no longer in the library. Its files may have been moved, or their tags changed.",
  playlist_not_found: "There is no such playlist any more. It may have been deleted on another device.",
  entry_not_found: "This track is no longer there.",
};

/** What is said of what cannot be kept until the line is open again. */
export const UNREACHABLE = "The server cannot be reached just now. Try again when it is back.";

/**
 * The text for people of what the server refuses.
 * @param {{code: string, message: string}} problem @param {?string} [title] of the track that it is about
 */
export function problemText({ code, message }, title = null) {
  const text = TEXTS[code] ?? message;
  return title ? `${title}: ${text}` : text;
}
