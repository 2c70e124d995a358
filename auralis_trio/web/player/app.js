/** The page: makes the parts, and wires what is pressed to what plays and what plays to what is shown. */

import { fetchTracks } from "./api.js";
import { listenToKeys } from "./keys.js";
import { Output } from "./output.js";
import { Playback } from "./playback.js";
import { recall, remember } from "./prefs.js";
import { Line } from "./socket.js";
import { Tap } from "./tap.js";
import { LevelMeter } from "./views/level.js";
import { PlayerFace } from "./views/player.js";
import { TrackList } from "./views/tracks.js";

const RESTART_S = 3;
const LINE_TEXTS = { connecting: "Connecting…", open: "Connected", down: "No connection, trying again" };

const elements = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const tap = new URLSearchParams(location.search).get("tap") === "1" ? new Tap() : null;
const line = new Line(`${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws`);
const output = new Output({ tap: tap !== null });
const tracks = new TrackList(
  {
    list: elements.tracks,
    foot: elements["tracks-foot"],
    note: elements["tracks-note"],
    retry: elements["tracks-retry"],
    count: elements.count,
    row: elements["track-row"],
  },
  fetchTracks,
  recall("sort", "album"),
);
const playback = new Playback(line, output, (track) => tracks.after(track), tap);
const face = new PlayerFace(elements, playback, output);
const meter = new LevelMeter([...elements.meter.querySelectorAll("i")], () => output.levels());

function play(track) {
  if (!track) return;
  tell("");
  playback.play(track);
}

function toggle() {
  tell("");
  if (playback.state.playing) playback.pause();
  else if (playback.state.track) playback.resume();
  else next();
}

async function next() {
  const { track } = playback.state;
  const following = await tracks.after(track);
  if (track === playback.state.track) play(following);
}

/** To the track before, or first to the beginning of this one. */
function previous() {
  const { track, frame, sampleRate } = playback.state;
  const before = tracks.before(track);
  if (before && !(frame > RESTART_S * sampleRate)) play(before);
  else playback.seek(0);
}

function tell(text) {
  elements.notice.textContent = text;
  elements["notice-close"].hidden = !text;
}

function showState() {
  const { track, playing } = playback.state;
  face.show();
  tracks.mark(track?.id ?? null, playing);
  meter.follow(playing);
  elements.next.disabled = elements.previous.disabled = !track;
}

function showLine(state) {
  elements.lamp.dataset.state = state;
  elements.lamp.textContent = LINE_TEXTS[state];
  if (state === "down" && line.reason) tell(`The server closed the connection: ${line.reason}.`);
}

function greeted({ state }) {
  tracks.scan = state?.scan ?? null;
  tracks.refresh();
}

function told({ type, data }) {
  if (type === "library_scan_started") tracks.scan = { state: "walking" };
  if (["scan_progress", "scan_complete", "library_scan_error"].includes(type)) tracks.scan = data;
  if (["scan_progress", "scan_complete", "library_updated"].includes(type)) tracks.refresh();
  if (type === "library_scan_error") tell("The scan of your folders broke off. The server's log says why; then scan again.");
  if (data?.unavailable?.length) tell(`Could not look into ${data.unavailable.join(", ")}. Check that the disk is there.`);
}

function wireControls() {
  tracks.addEventListener("play", ({ detail }) => play(detail));
  elements.search.addEventListener("input", () => tracks.search(elements.search.value));
  elements.search.addEventListener("keydown", ({ key }) => key === "Escape" && elements.search.blur());
  elements.sort.value = recall("sort", "album");
  elements.sort.addEventListener("change", () => {
    remember("sort", elements.sort.value);
    tracks.show({ sort: elements.sort.value });
  });
  elements.play.addEventListener("click", toggle);
  elements.next.addEventListener("click", next);
  elements.previous.addEventListener("click", previous);
  elements["notice-close"].addEventListener("click", () => tell(""));
  elements["help-open"].addEventListener("click", () => elements.help.showModal());
  elements["help-close"].addEventListener("click", () => elements.help.close());
  elements.encoding.value = recall("encoding", "exact");
  playback.thrifty = elements.encoding.value === "s16";
  elements.encoding.addEventListener("change", () => {
    remember("encoding", elements.encoding.value);
    playback.thrifty = elements.encoding.value === "s16";
  });
}

function wireKeys() {
  const once = (action) => (event) => event.repeat || action();
  listenToKeys({
    " ": once(toggle),
    ArrowRight: once(next),
    ArrowLeft: once(previous),
    "Shift+ArrowRight": () => face.step(1),
    "Shift+ArrowLeft": () => face.step(-1),
    ArrowUp: () => face.turn(1),
    ArrowDown: () => face.turn(-1),
    "/": () => {
      elements.search.focus();
      elements.search.select();
    },
    "?": () => elements.help.showModal(),
  });
}

playback.addEventListener("change", showState);
playback.addEventListener("problem", ({ detail }) => tell(detail));
line.addEventListener("state", ({ detail }) => showLine(detail));
line.addEventListener("hello", ({ detail }) => greeted(detail));
line.addEventListener("message", ({ detail }) => told(detail));
wireControls();
wireKeys();
line.open();
if (tap) window.auralisTap = tap;
