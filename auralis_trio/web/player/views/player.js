/** The player's face: what is heard, where it stands, and the controls. Shows a playback's state, tells what was pressed. */

import { clockTime, countText, signalText, spokenTime, titleOf } from "../format.js";
import { placeHash } from "../place.js";
import { recall, remember } from "../prefs.js";
import { showCover } from "./cover.js";

const SEEK_STEP_S = 5;
const VOLUME_STEP = 5;
const PATIENCE_MS = 600;

export class PlayerFace {
  #elements;
  #stage;
  #output;
  #dragging = false;
  #albumId = null; // whose picture is shown
  #patience = null; // while nothing is heard that should be
  #slow = false; // and that takes longer than a moment

  /**
   * @param {Record<string, HTMLElement>} elements by their ids
   * @param {{player: object, heard: string}} stage what plays now, and what is said of its sound
   */
  constructor(elements, stage, output) {
    this.#elements = elements;
    this.#stage = stage;
    this.#output = output;
    this.#wireSeek();
    this.#wireVolume();
    this.show();
  }

  /** Show the playback's present state. */
  show() {
    const { state } = this.#stage.player;
    this.#showTrack(state);
    this.#showPosition(state);
    this.#showCondition(state);
  }

  /** An album has another picture, or none: then the revision is null. */
  repaint(albumId, revision) {
    if (albumId === this.#albumId) this.#showPicture(albumId, revision);
  }

  /** Move the position by a step, back (-1) or forward (1). */
  step(direction) {
    const { frame, sampleRate } = this.#stage.player.state;
    if (sampleRate) this.#stage.player.seek(frame + direction * SEEK_STEP_S * sampleRate);
  }

  /** Go on from a time of the track, in seconds. */
  seek(time_s) {
    const { sampleRate } = this.#stage.player.state;
    if (sampleRate) this.#stage.player.seek(time_s * sampleRate);
  }

  /** Make it softer (-1) or louder (1). */
  turn(direction) {
    const { volume } = this.#elements;
    volume.value = Number(volume.value) + direction * VOLUME_STEP;
    this.#turned();
  }

  #showTrack({ track, playing, sampleRate, channels }) {
    const { play, "play-icon": icon } = this.#elements;
    this.#write("now-title", track ? titleOf(track) : "Nothing is playing");
    this.#write("now-artist", track?.artist);
    this.#showAlbum(track?.album, track?.album_id ?? null);
    const signal = [track && signalText({ ...track, sampleRate: track.sample_rate ?? sampleRate, channels }), this.#stage.heard];
    this.#write("signal", track ? signal.filter(Boolean).join(" · ") : "Choose a track to begin");
    this.#showFavorite(track);
    play.setAttribute("aria-label", playing ? "Pause" : "Play");
    icon.setAttribute("href", playing ? "#icon-pause" : "#icon-play");
    const name = [track?.title, track?.artist].filter(Boolean).join(" – ");
    document.title = playing && name ? `${name} · Auralis` : "Auralis";
  }

  #showAlbum(title, albumId) {
    const { "now-album": album } = this.#elements;
    this.#write("now-album", title);
    if (albumId === null) album.removeAttribute("href");
    else album.href = placeHash("albums", albumId);
    if (albumId !== this.#albumId) this.#showPicture(albumId);
  }

  #showFavorite(track) {
    const { favorite, "favorite-icon": icon } = this.#elements;
    favorite.disabled = track?.favorite === undefined;
    favorite.setAttribute("aria-pressed", String(Boolean(track?.favorite)));
    icon.setAttribute("href", track?.favorite ? "#icon-heart-full" : "#icon-heart");
  }

  #showPicture(albumId, revision) {
    this.#albumId = albumId;
    showCover(this.#elements["now-cover"], revision === null ? null : albumId, revision);
  }

  #showPosition({ frame, totalFrames, sampleRate }) {
    if (this.#dragging) return;
    const { seek } = this.#elements;
    seek.disabled = !totalFrames || !sampleRate;
    seek.max = totalFrames ?? 1;
    seek.value = totalFrames ? frame : 0;
    this.#write("total", sampleRate && totalFrames ? clockTime(totalFrames / sampleRate) : "");
    this.#showElapsed(frame, sampleRate, totalFrames);
  }

  #showElapsed(frame, sampleRate, totalFrames) {
    const { seek } = this.#elements;
    const elapsed_s = sampleRate ? frame / sampleRate : 0;
    this.#write("elapsed", clockTime(elapsed_s));
    seek.style.setProperty("--part", totalFrames ? Math.min(1, frame / totalFrames) : 0);
    const total = sampleRate && totalFrames ? ` of ${spokenTime(totalFrames / sampleRate)}` : "";
    seek.setAttribute("aria-valuetext", spokenTime(elapsed_s) + total);
  }

  #showCondition({ waiting, underruns }) {
    const { now, deck } = this.#elements;
    this.#wait(waiting);
    now.classList.toggle("waiting", waiting);
    deck.classList.toggle("slow", this.#slow);
    const parts = [this.#slow && "waiting for the server", underruns && `${countText(underruns, "interruption")} so far`];
    this.#write("condition", parts.filter(Boolean).join(" · "));
  }

  #wait(waiting) {
    if (waiting) this.#patience ??= setTimeout(() => this.#loseIt(), PATIENCE_MS);
    else {
      clearTimeout(this.#patience);
      this.#patience = null;
      this.#slow = false;
    }
  }

  #loseIt() {
    this.#slow = true;
    this.#showCondition(this.#stage.player.state);
  }

  #write(id, text) {
    const element = this.#elements[id];
    if (element.textContent !== (text ?? "")) element.textContent = text ?? "";
  }

  #wireSeek() {
    const { seek } = this.#elements;
    seek.addEventListener("input", () => {
      const { sampleRate, totalFrames } = this.#stage.player.state;
      this.#dragging = true;
      this.#showElapsed(Number(seek.value), sampleRate, totalFrames);
    });
    seek.addEventListener("change", () => {
      this.#dragging = false;
      this.#stage.player.seek(Number(seek.value));
    });
    seek.addEventListener("keydown", (event) => {
      // A step of the bar is one frame, which is right for the pointer and too little for a key.
      const direction = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
      if (!direction) return;
      event.preventDefault();
      this.step(direction);
    });
  }

  #wireVolume() {
    const { volume } = this.#elements;
    volume.value = recall("volume", "100");
    volume.addEventListener("input", () => this.#turned());
    this.#turned();
  }

  #turned() {
    const { volume } = this.#elements;
    this.#output.volume = Number(volume.value) / 100;
    volume.style.setProperty("--part", Number(volume.value) / 100);
    volume.setAttribute("aria-valuetext", `${volume.value} %`);
    remember("volume", volume.value);
  }
}
