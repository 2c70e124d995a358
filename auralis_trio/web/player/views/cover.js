/** Pictures of albums. Where there is none, what stands behind the picture is seen. */

import { PICTURE_SIZES, pictureOf } from "../api.js";

/**
 * Show the picture of an album, if there is one.
 * @param {HTMLImageElement} image whose `sizes` say how large it is shown
 * @param {?number} albumId null: no album is known
 * @param {?string} revision of the picture, as far as one is known
 */
export function showCover(image, albumId, revision = null) {
  const wanted = albumId === null ? "" : [albumId, revision].join(" ");
  if (image.dataset.shown === wanted) return;
  image.dataset.shown = wanted;
  image.onerror = null;
  image.removeAttribute("src");
  image.removeAttribute("srcset");
  if (!wanted) return;
  image.srcset = PICTURE_SIZES.map((size) => `${pictureOf(albumId, size, revision)} ${size}w`).join(", ");
  // Whoever named a revision may have named one that was replaced meanwhile.
  if (revision) image.onerror = () => showCover(image, albumId);
}
