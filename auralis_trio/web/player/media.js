/** The keys of keyboards, headsets and phones, and what these show: the browser's media session, where it has one. */

import { PICTURE_SIZES, pictureOf } from "./api.js";
import { titleOf } from "./format.js";

const JUMP_S = 0.75;
const SHOWN_SIZES = PICTURE_SIZES.filter((size) => size >= 128 && size <= 512);

export class MediaKeys {
  #session = navigator.mediaSession ?? null;
  #shown = null; // what the metadata says
  #told = null; // the position that the browser counts on from: {duration, position, playing, at_s}
  // Browsers forget who played when an AudioContext is suspended, but not when an element is paused: this one is silent.
  #keeper = Object.assign(new Audio(new URL("silence.flac", import.meta.url).href), { loop: true, preload: "none" });
  #kept = false;

  /** @param {Record<string, (details: MediaSessionActionDetails) => void>} actions by the names that browsers give them */
  constructor(actions) {
    for (const [name, action] of Object.entries(actions)) {
      try {
        this.#session?.setActionHandler(name, action);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error; // this browser does not know the action
      }
    }
    // Something else has been given the loudspeakers: a call, or another player.
    this.#keeper.addEventListener("pause", () => this.#kept && this.#keeper.paused && actions.pause());
  }

  /** Show what is heard here; what others play is not for these keys. */
  show(state, elsewhere) {
    if (!this.#session) return;
    const heard = elsewhere ? { track: null } : state;
    this.#showTrack(heard.track);
    this.#session.playbackState = !heard.track ? "none" : heard.playing ? "playing" : "paused";
    this.#showPosition(heard);
    this.#keep(Boolean(heard.track && heard.playing));
  }

  #keep(playing) {
    if (playing === this.#kept) return;
    this.#kept = playing;
    if (!playing) this.#keeper.pause();
    else this.#keeper.play().catch(() => {}); // refused, or paused before it began: then there are no keys to be had
  }

  #showTrack(track) {
    const about = track && { title: titleOf(track), artist: track.artist ?? "", album: track.album ?? "" };
    const key = JSON.stringify([about, track?.album_id]);
    if (key === this.#shown) return;
    this.#shown = key;
    this.#session.metadata = about && new MediaMetadata({ ...about, artwork: artworkOf(track) });
  }

  /** The browser counts on by itself, so it is only told of what it cannot know. */
  #showPosition({ playing, frame, totalFrames, sampleRate }) {
    const at_s = performance.now() / 1000;
    const duration = totalFrames && sampleRate ? totalFrames / sampleRate : null;
    const position = duration && Math.min(frame / sampleRate, duration);
    const before = this.#told;
    const expected = before && before.position + (before.playing ? at_s - before.at_s : 0);
    const known = before?.duration === duration && before.playing === playing;
    if (known && Math.abs(position - expected) < JUMP_S) return;
    this.#told = { duration, position, playing, at_s };
    this.#session.setPositionState?.(duration ? { duration, position, playbackRate: 1 } : undefined);
  }
}

function artworkOf({ album_id: albumId = null }) {
  if (albumId === null) return [];
  return SHOWN_SIZES.map((size) => ({ src: pictureOf(albumId, size), sizes: `${size}x${size}`, type: "image/jpeg" }));
}
