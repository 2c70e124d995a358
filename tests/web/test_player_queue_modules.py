"""What the page's part in the queue stands on: the chain of streams, its tapes, and the copy of the queue."""

import json
from typing import Any

import pytest

from tests.web.player_page import Run

CHAIN = """const { Chain } = await load("chain.js");
    const { Stretch } = await load("tape.js");
    const said = [], commands = [], decks = [];
    const line = Object.assign(new EventTarget(), { send: (type, data) => said.push(data) });
    const output = {
        openDeck: async (tape, onReport) => {
            const deck = { tape, onReport, pushed: 0, closed: false };
            decks.push(Object.assign(deck, {
                push: ([plane]) => (deck.pushed += plane.length),
                command: (...command) => commands.push([decks.indexOf(deck), ...command]),
                close: () => (deck.closed = true),
            }));
            return deck;
        },
    };
    const chain = new Chain(line, output, null);
    const rest = { start_frame: 0, total_frames: 1e9, sample_rate: 8000, channels: 1, encoding: "s16" };
    const stretch = (stream_id, track_id, more = {}) =>
        new Stretch({ id: track_id }, { ...rest, stream_id, entry_id: track_id, ...more }, { credit: 32768 });
    const packet = (stream_id, start_frame, frames) => {
        const buffer = new ArrayBuffer(24 + 2 * frames), header = new DataView(buffer);
        header.setUint8(0, 1);
        header.setUint8(1, 1);
        header.setUint32(4, stream_id, true);
        header.setBigUint64(8, BigInt(start_frame), true);
        header.setUint32(16, frames, true);
        line.dispatchEvent(new CustomEvent("packet", { detail: buffer }));
    };
    const ends = (stream_id, reason, frames_sent, next_entry_id = null) =>
        chain.end({ stream_id, reason, frames_sent, next_entry_id });
    const hears = (deck, played, ended = false) =>
        decks[deck].onReport({ played, ended, underruns: 0, waiting: false, overrun: false });
    const heard = () => [chain.heard?.streamId ?? null, chain.frame];
    const events = [];
    for (const kind of ["ended", "broken"]) chain.addEventListener(kind, () => events.push(kind));
"""

QUEUE = """const { Queue } = await load("queue.js");
    const line = new EventTarget();
    const queue = new Queue(line);
    const hear = (kind, detail) => line.dispatchEvent(new CustomEvent(kind, { detail }));
    const asked = [], answers = [];
    globalThis.fetch = (path, { method }) => {
        asked.push([method, path]);
        return new Promise((resolve) => answers.push((body) =>
            resolve(new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } }))));
    };
    const until = async (done) => {
        for (let turn = 0; !done(); turn++) {
            if (turn > 2000) throw new Error("never: " + done);
            await new Promise((resolve) => setTimeout(resolve));
        }
    };
    const answer = async (body) => {
        await until(() => answers.length);
        answers.shift()(body);
    };
    const entries = (ids) => ids.map((id) => ({ entry_id: id, track_id: id + 100 }));
    const summary = (revision, ids) => ({ revision, total: ids.length, repeat: "off", entries: entries(ids) });
    const player = (state) => ({ state, entry_id: 1, track_id: 101, position_s: 0, outputs: [] });
    const hello = (ids) => hear("hello", {
        boot: "b", session: "me", state: { seq: 4, player: player("paused"), queue: summary(1, ids) },
    });
    const tell = (type, seq, data) => hear("message", { type, data: { ...data, boot: "b", seq } });
    const order = () => Array.from({ length: queue.total }, (_, place) => queue.at(place)?.entry_id ?? null);
    const track = (id) => ({ id, title: "Track " + id });
    queue.learn([1, 2, 3].map((id) => track(id + 100)));
"""


def on(modules: Run, start: str, body: str) -> Any:
    return modules(f"{start}\n{body}")


def test_streams_of_one_format_share_a_tape_and_another_one_waits_until_it_has_ended(modules: Run) -> None:
    before, after, opened, closed, ended = on(
        modules,
        CHAIN,
        """chain.begin(stretch(1, 7)); packet(1, 0, 1000); ends(1, "completed", 1000, 8);
        chain.follow(stretch(2, 8), 1, 1000); packet(2, 0, 500); ends(2, "completed", 500, 9);
        chain.follow(stretch(3, 9, { sample_rate: 11025 }), 2, 500); packet(3, 0, 400); ends(3, "completed", 400);
        chain.finish();
        await chain.open();
        hears(0, 1200);
        const before = heard();
        hears(0, 1500, true); await null;
        const after = heard();
        hears(1, 400, true);
        return [before, after, decks.map(({ pushed }) => pushed), decks.map(({ closed }) => closed), events];""",
    )
    assert (before, after) == ([2, 200], [3, 0])
    assert opened == [1500, 400]
    assert closed == [True, True]
    assert ended == ["ended"]


def test_every_stream_is_told_to_its_last_frame(modules: Run) -> None:
    told = on(
        modules,
        CHAIN,
        """chain.begin(stretch(1, 7)); packet(1, 0, 9000); ends(1, "completed", 9000, 8);
        chain.follow(stretch(2, 8), 1, 9000); packet(2, 0, 300); ends(2, "failed", 300);
        chain.finish(); await chain.open();
        for (const played of [1000, 2500, 5000, 9100]) hears(0, played);
        hears(0, 9300, true);
        return said.filter(({ played }) => played).map(({ stream_id, played }) => [stream_id, played]);""",
    )
    assert told == [[1, 2500], [1, 5000], [1, 9000], [2, 300]]


def test_a_stream_that_takes_over_is_heard_from_its_first_frame_and_what_came_behind_is_not(modules: Run) -> None:
    cuts, place, received = on(
        modules,
        CHAIN,
        """chain.begin(stretch(1, 7)); packet(1, 0, 4000); await chain.open(); ends(1, "replaced", 4000);
        chain.follow(stretch(2, 7, { start_frame: 3000, enhanced: true }), 1, 3000);
        packet(2, 3000, 1000);
        const { tapeStart } = chain.live;
        hears(0, 3100);
        return [commands.filter(([, name]) => name === "cut"), [tapeStart, ...heard()], chain.live.received];""",
    )
    assert cuts == [[0, "cut", 3000]]
    assert (place, received) == ([3000, 2, 3100], 1000)


@pytest.mark.parametrize(("follows", "frames", "cut"), [(1, 3000, 3000), (2, 0, 4000)], ids=["in mid-track", "whole"])
def test_a_stream_takes_over_from_one_that_was_sent_to_its_end_and_from_what_came_behind_it(
    modules: Run, follows: int, frames: int, cut: int
) -> None:
    cuts, place, end = on(
        modules,
        CHAIN,
        f"""chain.begin(stretch(1, 7)); packet(1, 0, 4000); await chain.open(); ends(1, "completed", 4000, 8);
        chain.follow(stretch(2, 8), 1, 4000); packet(2, 0, 900); ends(2, "completed", 900);
        chain.finish();
        chain.follow(stretch(3, {follows + 6}, {{ start_frame: {frames} }}), {follows}, {frames});
        packet(3, {frames}, 1000);
        const {{ tapeStart }} = chain.live;
        hears(0, tapeStart + 100);
        return [commands.filter(([, name]) => name === "cut"), [tapeStart, ...heard()], commands.at(-1)];""",
    )
    assert cuts == ([[0, "cut", 4000]] if follows == 1 else []) + [[0, "cut", cut]]
    assert place == [cut, 3, frames + 100]
    assert end == [0, "finish", None]


def test_what_is_dropped_is_not_heard_and_something_else_can_follow(modules: Run) -> None:
    dropped, followed, everything = on(
        modules,
        CHAIN,
        """chain.begin(stretch(1, 7)); packet(1, 0, 1000); ends(1, "completed", 1000, 8);
        chain.follow(stretch(2, 8), 1, 1000); packet(2, 0, 500); ends(2, "completed", 500, 9);
        chain.follow(stretch(3, 9, { channels: 2 }), 2, 500);
        await chain.open();
        chain.drop(1); chain.finish();
        const dropped = [chain.last.streamId, chain.live, chain.last.tape.received, commands.at(-1)];
        chain.follow(stretch(4, 10), 1, 1000); packet(4, 0, 200);
        const followed = [chain.last.tape.received, commands.at(-1)];
        chain.drop(null);
        return [dropped, followed, [heard(), decks[0].closed]];""",
    )
    assert dropped == [1, None, 1000, [0, "finish", 1000]]
    assert followed == [1200, [0, "finish", None]]
    assert everything == [[None, 0], True]


def test_a_stream_of_an_earlier_line_is_not_told_of_nor_taken_for_another_one(modules: Run) -> None:
    told, last = on(
        modules,
        CHAIN,
        """chain.begin(stretch(1, 7)); packet(1, 0, 9000); await chain.open(); said.length = 0;
        chain.lose();
        packet(1, 9000, 100);
        hears(0, 8000);
        chain.append(stretch(1, 7, { start_frame: 9000 })); packet(1, 9000, 100);
        return [said.map(({ played }) => played), [chain.last.startFrame, chain.last.received, events]];""",
    )
    assert told == [0]
    assert last == [9000, 100, []]


def test_a_tape_keeps_what_its_deck_has_no_room_for_and_hands_it_on_in_time(modules: Run) -> None:
    """Forty brief streams come one behind the other, more than a deck holds; none of it is lost or too much."""
    at_once, in_the_end, buffer = on(
        modules,
        CHAIN,
        """const { bufferFrames } = await load("credit.js");
        chain.begin(stretch(1, 1)); packet(1, 0, 8000); ends(1, "completed", 8000, 2);
        await chain.open();
        for (let id = 2; id <= 40; id++) {
            chain.follow(stretch(id, id), id - 1, 8000); packet(id, 0, 8000); ends(id, "completed", 8000, id + 1);
        }
        const atOnce = decks[0].pushed;
        for (let played = 0; played <= 320000; played += 40000) hears(0, played);
        return [atOnce, decks[0].pushed, bufferFrames(8000, 1)];""",
    )
    assert buffer - 8_000 < at_once <= buffer < in_the_end == 320_000


def test_a_stream_whose_frames_do_not_add_up_is_not_played_on(modules: Run) -> None:
    assert on(
        modules,
        CHAIN,
        """chain.begin(stretch(1, 7)); packet(1, 0, 100); packet(1, 150, 100);
        chain.begin(stretch(2, 7)); packet(2, 0, 100);
        return [ends(2, "completed", 99), events];""",
    ) == [None, ["broken", "broken"]]


def test_a_change_that_was_missed_is_made_up_for_by_a_snapshot(modules: Run) -> None:
    asked, state, order = on(
        modules,
        QUEUE,
        """hello([1, 2]); tell("player_state", 5, player("playing"));
        const at_first = asked.splice(0);
        tell("analysis_progress", 7, {}); tell("player_state", 8, player("stopped"));
        await answer({ ...player("paused"), ...summary(3, []), total: 3, boot: "b", seq: 8, track: track(101) });
        await answer({ revision: 3, items: entries([3, 1, 2]).map((item, position) =>
            ({ ...item, position, track: track(item.track_id) })) });
        await until(() => queue.at(0));
        return [[at_first, asked], queue.player.state, order()];""",
    )
    at_first, later = asked
    assert at_first == []
    assert later == [["GET", "/api/player/status"], ["GET", "/api/player/queue?limit=100&offset=0"]]
    assert (state, order) == ("paused", [3, 1, 2])


def test_what_is_moved_quickly_stays_where_it_was_put_while_the_server_catches_up(modules: Run) -> None:
    """The server tells of each edit when it has done it; what it tells of the first is out of date by then."""
    seen = on(
        modules,
        QUEUE,
        """hello([1, 2, 3]);
        const seen = [];
        queue.addEventListener("change", () => seen.push(order().join("")));
        const first = queue.move(1, 1), second = queue.move(1, 2);
        tell("queue_changed", 5, summary(2, [2, 1, 3]));
        await answer({ revision: 2 });
        await first;
        await answer({ revision: 3 });
        await second;
        tell("queue_changed", 6, summary(3, [2, 3, 1]));
        return seen;""",
    )
    assert seen[0] == "213"
    assert set(seen[1:]) == {"231"}


def test_edits_of_one_page_reach_the_server_in_their_order(modules: Run) -> None:
    under_way, asked = on(
        modules,
        QUEUE,
        """hello([1, 2, 3]);
        queue.order("shuffle", { enabled: true }); queue.order("undo");
        await until(() => answers.length);
        const underWay = asked.length;
        await answer({ revision: 2 });
        await until(() => answers.length);
        return [underWay, asked.map(([method, path]) => method + " " + path)];""",
    )
    assert under_way == 1
    assert asked == ["POST /api/player/queue/shuffle", "POST /api/player/queue/undo"]


def test_the_position_on_another_device_goes_on_and_on_none_it_stands(modules: Run) -> None:
    standing, moving = on(
        modules,
        QUEUE,
        """let now = 0;
        performance.now = () => now;
        hello([1]);
        tell("player_state", 5, { ...player("paused"), position_s: 3, outputs: ["other"] });
        now += 2000;
        const standing = [queue.position_s, queue.elsewhere];
        tell("player_state", 6, { ...player("playing"), position_s: 3, outputs: ["other"] });
        now += 2000;
        return [standing, [queue.position_s, queue.elsewhere]];""",
    )
    assert standing == [3, False]
    assert moving == [5, True]


def test_what_comes_before_and_behind_an_entry_goes_around_where_all_is_repeated(modules: Run) -> None:
    once, around = on(
        modules,
        QUEUE,
        """hello([1, 2, 3]);
        const beside = () => [[1, -1], [1, 1], [3, 1]].map(([id, step]) => queue.beside(id, step)?.entry_id ?? null);
        const once = beside();
        tell("queue_changed", 5, { ...summary(2, [1, 2, 3]), repeat: "all" });
        return [once, beside()];""",
    )
    assert once == [None, 2, None]
    assert around == [3, 2, 1]


def test_at_most_four_thousand_tracks_are_remembered(modules: Run) -> None:
    kept = on(
        modules,
        QUEUE,
        """queue.learn(Array.from({ length: 5000 }, (_, id) => track(id + 1000)));
        const isKnown = (id) => "title" in queue.trackOf(id);
        return JSON.stringify([isKnown(5999), isKnown(2000), isKnown(1999), asked.length]);""",
    )
    assert json.loads(kept) == [True, True, False, 1]


def test_a_track_that_is_gone_is_no_problem_and_an_answer_that_is_missing_is_one(modules: Run) -> None:
    problems = on(
        modules,
        QUEUE,
        """const problems = [];
        queue.addEventListener("problem", ({ detail }) => problems.push(detail));
        const problem = { code: "busy", detail: "Try again." };
        const headers = { "Content-Type": "application/problem+json" };
        for (const status of [404, 503]) {
            globalThis.fetch = async () => new Response(JSON.stringify(problem), { status, headers });
            queue.trackOf(status);
        }
        await until(() => problems.length);
        return problems;""",
    )
    assert problems == ["Try again."]


def test_advice_for_programs_is_put_in_other_words_for_listeners(modules: Run) -> None:
    told = modules(
        """const { ApiError, fetchTrack } = await load("api.js");
        const headers = { "Content-Type": "application/problem+json" };
        const told = [];
        for (const [status, code] of given) {
            const body = JSON.stringify({ code, detail: "For programs." });
            globalThis.fetch = async () => new Response(body, { status, headers });
            const error = await fetchTrack(1).catch((error) => error);
            told.push([error.message, error.refused, error.missing, error instanceof ApiError]);
        }
        return told;""",
        [[404, "track_not_found"], [422, "invalid_search"], [429, "too_many_requests"], [503, "busy"]],
    )
    assert told == [
        ["This track is no longer in the library.", True, True, True],
        ["For programs.", True, False, True],
        ["For programs.", False, False, True],
        ["For programs.", False, False, True],
    ]
