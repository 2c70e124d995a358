/** The page: makes the parts, and wires what is pressed to what plays and what plays to what is shown. */

import { A, B } from "./abx.js";
import { ApiError, fetchPresets, setFavorite } from "./api.js";
import { Comparison } from "./comparison.js";
import { Enhancement } from "./enhancement.js";
import { Facts } from "./facts.js";
import { soundText, titleOf } from "./format.js";
import { listenToKeys } from "./keys.js";
import { MediaKeys } from "./media.js";
import { Output } from "./output.js";
import { UNREACHABLE } from "./problems.js";
import { Queue } from "./queue.js";
import { QueuePlayback } from "./queue_playback.js";
import { Line } from "./socket.js";
import { Tap } from "./tap.js";
import { PlaylistChooser } from "./views/chooser.js";
import { ComparisonPanel } from "./views/comparison.js";
import { EnhancementPanel } from "./views/enhancement.js";
import { Crossfade } from "./views/crossfade.js";
import { LevelMeter } from "./views/level.js";
import { Library } from "./views/library.js";
import { TrackMenu } from "./views/menu.js";
import { Notice } from "./views/notice.js";
import { PlayerFace } from "./views/player.js";
import { QualityChoice } from "./views/quality.js";
import { QueuePanel } from "./views/queue.js";
import { Question } from "./views/question.js";
import { SoundReport } from "./views/report.js";
import { tellRoom } from "./views/room.js";
import { UploadPanel } from "./views/uploads.js";

const LINE_TEXTS = { connecting: "Connecting…", open: "Connected", down: "No connection, trying again" };

const elements = Object.fromEntries([...document.querySelectorAll("[id]")].map((element) => [element.id, element]));
const tap = new URLSearchParams(location.search).get("tap") === "1" ? new Tap() : null;
const url = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}/ws`;
const line = new Line(url);
const output = new Output({ tap: tap !== null });
const queue = new Queue(line);
const playback = new QueuePlayback(line, output, queue, tap);
const comparison = new Comparison(url, output, tap);
const enhancement = new Enhancement(line);
const facts = new Facts();
const stage = {
  /** What plays now. */
  get player() {
    return comparison.active ? comparison : playback;
  },
  /** What is done to the sound that is heard; null while there is none, and in a blind test nobody is told. */
  get sound() {
    return comparison.active ? comparison.sound : playback.state.sound;
  },
  /** The same in words. */
  get heard() {
    if (comparison.blind) return "blind test";
    const { sound, player } = this;
    const { track, encoding } = player.state;
    return sound && soundText(sound, sound.enhanced ? facts.parameters(track, sound) : null, encoding);
  },
};
const notice = new Notice(elements);
const face = new PlayerFace(elements, stage, output);
const panel = new EnhancementPanel(elements);
const comparisonPanel = new ComparisonPanel(elements, comparison);
const queuePanel = new QueuePanel(elements, queue);
const library = new Library(elements, new Question(elements.question));
const menu = new TrackMenu(elements["track-menu"]);
const chooser = new PlaylistChooser(elements.chooser, elements["chooser-row"]);
const crossfade = new Crossfade(elements);
const quality = new QualityChoice(elements.encoding, elements["encoding-note"]);
const report = new SoundReport(elements);
const uploads = new UploadPanel(elements);
const meter = new LevelMeter([...elements.meter.querySelectorAll("i")], () => output.levels());

/** Play a track, and behind it what the order puts there. */
function play({ track, order }) {
  tell("");
  if (comparison.active) leaveComparison({ playing: false });
  playback.playList(track, order);
}

/** Play the library, if there is anything in it. */
function begin() {
  const { first, words } = library.tracks;
  if (first) play({ track: first, order: library.tracks.around(first) });
  else tell(words ? "None of the tracks that were found can be played." : "There is no music to play yet.");
}

function toggle() {
  const { player } = stage;
  tell("");
  if (player.state.playing) player.pause();
  else if (player.state.track) player.resume();
  else begin();
}

/** One entry on, back, or to one of them. */
function go(action) {
  tell("");
  if (comparison.active) leaveComparison();
  action();
}

const next = () => stage.player.state.track && go(() => playback.next());
const previous = () => stage.player.state.track && go(() => playback.previous());

const media = new MediaKeys({
  play: () => stage.player.state.playing || toggle(),
  pause: () => stage.player.state.playing && toggle(),
  nexttrack: next,
  previoustrack: previous,
  seekto: ({ seekTime }) => face.seek(seekTime),
});

/** Edit the queue; `done` says what came of it. */
async function edit(action, data, done = () => {}) {
  tell("");
  try {
    await (action === "move" ? queue.move(data.entryId, data.index) : queue.order(action, data));
    done();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    tell(error.message);
  }
}

/** Change a setting, for all that is played from now on and for what is heard. */
function enhance(changed) {
  const settings = { ...enhancement.settings, ...changed };
  if (playback.enhance(settings)) enhancement.tell(settings);
  else {
    tell("The server cannot be reached just now, so the setting stays as it was.");
    showState();
  }
}

/** Mastered or not: in a comparison the other side. */
function toggleMastered() {
  if (!enhancement.settings || comparison.blind) return;
  if (comparison.active) comparison.choose(comparison.choice === A ? B : A);
  else enhance({ enabled: !enhancement.settings.enabled });
}

/** Hear A, B or X; the first choice begins the comparison at the frame that is heard, if the server can be reached. */
function compare(choice) {
  const place = playback.state;
  if (comparison.active) {
    if (choice !== "x" || comparison.blind) comparison.choose(choice);
  } else if (choice !== "x" && place.track && enhancement.settings && !playback.elsewhere) {
    if (!playback.park()) return tell(UNREACHABLE);
    comparison.open(place, enhancement.settings, choice);
    showSound(true);
    elements.sides.scrollIntoView({ block: "nearest" });
  }
}

/** Back to the queue, at the frame that was heard. */
function leaveComparison({ playing } = {}) {
  const place = comparison.close();
  playback.unpark({ ...place, playing: playing ?? place.playing });
}

function tell(text) {
  notice.tell(text);
}

/** To whoever is interrupted again and again less data is offered. */
function offerLess() {
  const offer = comparison.active ? null : quality.offer(playback.state);
  if (offer) notice.tell(offer.text, { label: offer.label, act: () => quality.choose(offer.form) });
}

function showState() {
  const { track, playing } = stage.player.state;
  const { elsewhere, state } = playback;
  face.show();
  media.show(stage.player.state, elsewhere);
  comparisonPanel.show();
  panel.show(enhancement.settings, { comparing: comparison.active, blind: comparison.blind !== null });
  queuePanel.show(state.entryId, playing);
  elements.elsewhere.hidden = !elsewhere;
  elements.compare.disabled = !track || !enhancement.settings || elsewhere;
  elements["report-open"].disabled = !track || !enhancement.settings;
  library.mark(track?.id ?? null, playing);
  meter.follow(playing && !elsewhere && !comparison.blind); // in a blind test it would show what is to be heard
  elements.next.disabled = elements.previous.disabled = !track;
  offerLess();
}

/** What was told on an earlier line is out of date when there is another one. */
function showLine(state) {
  elements.lamp.dataset.state = state;
  elements.lamp.textContent = LINE_TEXTS[state];
  if (state === "open") tell("");
  else if (state === "down" && line.reason) tell(`The server closed the connection: ${line.reason}.`);
}

/** The settings have changed, here or on another page. */
function followSettings() {
  const { settings } = enhancement;
  playback.follow(settings);
  if (comparison.active && !comparison.blind && !comparison.hasSound(settings)) {
    comparison.open(comparison.state, settings, comparison.choice);
  }
  showState();
}

async function offerPresets() {
  try {
    panel.offer(await fetchPresets());
    showState();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    tell(error.message);
  }
}

function told({ type, data }) {
  library.told({ type, data });
  if (type === "artwork_updated" && "album_id" in data) face.repaint(data.album_id, data.revision);
  if (type === "library_scan_error") tell(`The scan of your folders broke off. ${data.message}`);
  if (data?.unavailable?.length) tell(`Could not look into ${data.unavailable.join(", ")}. Check that the disk is there.`);
}

/** Put tracks into the queue, behind what is played or at its end. */
function enqueue({ tracks, next, title }) {
  queue.learn(tracks);
  const text = `${title} ${next ? "is played next" : "was added to the queue"}.`;
  edit("add", { track_ids: tracks.map(({ id }) => id), next }, () => queuePanel.added(text));
}

async function favor({ id, favorite }) {
  tell("");
  try {
    await setFavorite(id, !favorite);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    tell(error.message);
  }
}

function wireLibrary() {
  library.addEventListener("play", ({ detail }) => play(detail));
  library.addEventListener("add", ({ detail }) => enqueue(detail));
  library.addEventListener("keep", ({ detail: { tracks, title } }) => chooser.open(tracks, title));
  library.addEventListener("more", ({ detail }) => menu.open(detail));
  library.addEventListener("tell", ({ detail }) => tell(detail));
  library.addEventListener("said", ({ detail }) => queuePanel.tell(detail));
  chooser.addEventListener("done", ({ detail }) => tell(detail));
  menu.addEventListener("choose", ({ detail: { action, track, remove } }) => {
    if (action === "playlist") chooser.open([track], titleOf(track));
    else if (action === "favorite") favor(track);
    else if (action === "album") library.goTo("albums", track.album_id);
    else if (action === "remove") remove();
    else enqueue({ tracks: [track], next: action === "next", title: titleOf(track) });
  });
}

function wireControls() {
  elements.play.addEventListener("click", toggle);
  elements.next.addEventListener("click", next);
  elements.favorite.addEventListener("click", () => favor(stage.player.state.track));
  elements.previous.addEventListener("click", previous);
  elements["help-open"].addEventListener("click", showHelp);
  elements["help-close"].addEventListener("click", () => elements.help.close());
  quality.addEventListener("change", changeQuality);
  useQuality();
}

function wireQueue() {
  queuePanel.addEventListener("jump", ({ detail }) => go(() => playback.jump(detail)));
  queuePanel.addEventListener("move", ({ detail }) => edit("move", detail));
  queuePanel.addEventListener("order", ({ detail: { action, data } }) =>
    edit(action, data, () => action === "save" && tell(`“${data.name}” was saved as a playlist.`)),
  );
  elements["queue-open"].addEventListener("click", showQueue);
  elements["queue-close"].addEventListener("click", () => {
    queuePanel.open = false;
    elements["queue-open"].focus();
  });
  elements["play-here"].addEventListener("click", () => playback.takeOver());
}

function showQueue() {
  queuePanel.open = !queuePanel.open;
}

function useQuality() {
  playback.form = comparison.form = quality.form;
}

/** From now on, and so from the frame that is heard; while the server is away, from where it is asked for more. */
function changeQuality() {
  useQuality();
  const { sound, frame, sampleRate, playing } = playback.state;
  if (!sound || playback.elsewhere || comparison.active) return;
  if (playback.park()) playback.unpark({ frame, sampleRate, playing });
}

function showHelp() {
  elements.help.showModal();
  crossfade.ask();
}

function wireSound() {
  panel.addEventListener("change", ({ detail }) => enhance(detail));
  elements.compare.addEventListener("click", () => (comparison.active ? leaveComparison() : compare(A)));
  elements["report-open"].addEventListener("click", () =>
    report.open(stage.player.state.track, stage.sound, enhancement.settings),
  );
  elements["sound-open"].addEventListener("click", () => showSound(!elements.deck.classList.contains("open")));
}

/** Where the window has no room for what is about the sound, it is shown when it is wanted. */
function showSound(open) {
  elements.deck.classList.toggle("open", open);
  elements["sound-open"].setAttribute("aria-expanded", String(open));
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
    m: once(toggleMastered),
    a: once(() => compare(A)),
    b: once(() => compare(B)),
    x: once(() => compare("x")),
    "/": () => library.find(),
    q: once(showQueue),
    "?": showHelp,
  });
}

playback.addEventListener("change", showState);
for (const player of [playback, comparison]) player.addEventListener("note", ({ detail }) => tell(detail));
for (const part of [playback, queue, crossfade]) part.addEventListener("problem", ({ detail }) => tell(detail));
comparison.addEventListener("change", showState);
comparison.addEventListener("problem", ({ detail }) => {
  tell(detail);
  if (comparison.active) leaveComparison();
});
enhancement.addEventListener("change", offerPresets, { once: true });
enhancement.addEventListener("change", followSettings);
facts.addEventListener("change", showState);
line.addEventListener("state", ({ detail }) => showLine(detail));
line.addEventListener("hello", ({ detail }) => library.greeted(detail));
line.addEventListener("hello", () => uploads.ask());
queue.addEventListener("missed", () => library.renewAll());
line.addEventListener("message", ({ detail }) => told(detail));
wireLibrary();
wireControls();
wireQueue();
wireSound();
wireKeys();
tellRoom({ deck: elements.deck, finder: elements.finder });
line.open();
if (tap) window.auralisTap = tap;
