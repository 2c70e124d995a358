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
  image.classList.remove("there");
  image.removeAttribute("srcset");
  if (!wanted) return;
  image.onload = () => image.classList.add("there");
  image.srcset = PICTURE_SIZES.map((size) => `${pictureOf(albumId, size, revision)} ${size}w`).join(", ");
  // Whoever named a revision may have named one that was replaced meanwhile.
  image.onerror = revision && (() => showCover(image, albumId));
}
