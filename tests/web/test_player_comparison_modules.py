"""What a change in mid-play and a comparison stand on: cuts, the twin feed, the blind test; run in the browser."""

from itertools import pairwise

import pytest
from scipy.stats import binom

from tests.web.player_page import Run

RING = """const { Ring } = await load("ring.js");
    const ring = new Ring(1, 1024);
    const write = (from, frames) => ring.write([Float32Array.from({ length: frames }, (_, at) => from + at)]);
    const read = (frames) => { const out = [new Float32Array(frames)]; ring.read(out, frames); return [...out[0]]; };
"""

TWIN = """const { newFeed } = await load("twin.js");
    const waits = { startFrames: 128, refillFrames: 128, mostFrames: 128 };
    const settings = { channels: 1, capacityFrames: 4096, ...waits, reportFrames: 1e9 };
    const feed = newFeed({ ...settings, twin: true, sampleRate: 25600, tap: false });
    const plane = (from, frames, sign) => [Float32Array.from({ length: frames }, (_, at) => sign * (from + at + 1))];
    const push = (side, from, frames) => feed.push({ side, planes: plane(from, frames, side ? -1 : 1) });
    const heard = [];
    const turn = (times = 1) => {
        for (let time = 0; time < times; time++) {
            const output = new Float32Array(128).fill(9);
            feed.render([output]);
            heard.push(...output);
        }
    };
"""


def test_what_is_written_behind_a_cut_takes_the_place_of_what_was_there(modules: Run) -> None:
    first, second = modules(
        RING + "write(0, 900); const first = read(300); ring.cut(500); write(5000, 600); return [first, read(800)];"
    )
    assert first == [*range(300)]
    assert second == [*range(300, 500), *range(5000, 5600)]


def test_a_cut_at_a_frame_that_was_read_already_skips_as_many_of_what_follows(modules: Run) -> None:
    first, buffered, second = modules(
        RING + "write(0, 900); const first = read(700); ring.cut(500); write(5000, 150); write(5150, 100);"
        " return [first, ring.buffered, read(50)];"
    )
    assert first == [*range(700)]
    assert buffered == 50
    assert second == [*range(5200, 5250)]


def test_two_cuts_in_a_row_leave_every_frame_at_its_place(modules: Run) -> None:
    assert modules(
        RING + "write(0, 900); read(700); ring.cut(600); write(5600, 50); ring.cut(620); write(9620, 300);"
        " return read(220);"
    ) == [*range(9700, 9920)]


def test_a_twin_feed_plays_what_both_sides_have_and_counts_the_frames_once(modules: Run) -> None:
    early, heard, report = modules(
        TWIN
        + """push(0, 0, 1000); turn(2);
        const early = heard.splice(0);
        push(1, 0, 256); turn(3);
        return [early, heard, feed.report()];"""
    )
    assert early == [0] * 256
    assert heard == [*range(1, 257), *([0] * 128)]
    assert (report["played"], report["underruns"]) == (256, 1)


def test_either_side_of_a_twin_feed_says_when_it_is_sent_more_than_it_can_hold(modules: Run) -> None:
    full, over = modules(
        TWIN
        + """push(0, 0, 4096); push(1, 0, 4096);
        const full = feed.report();
        push(1, 4096, 1);
        return [full, feed.report().overrun];"""
    )
    assert full is None
    assert over is True


def test_changing_over_is_a_fade_of_ten_milliseconds_at_the_very_frame(modules: Run) -> None:
    """At 25.6 kHz the fade has 256 frames; the sides are n and -n, so that each mix tells both gains."""
    heard = modules(
        TWIN
        + """push(0, 0, 2048); push(1, 0, 2048);
        turn(2); feed.hear(1); turn(4); feed.hear(0); turn(4);
        return heard;"""
    )
    number = list(range(1, 1281))
    faded = [(frame + 1) / 256 for frame in range(256)]
    assert heard[:256] == number[:256]
    assert heard[256:512] == pytest.approx(
        [n * (1 - 2 * share) for n, share in zip(number[256:512], faded, strict=True)]
    )
    assert heard[512:768] == [-n for n in number[512:768]]
    assert heard[768:1024] == pytest.approx(
        [-n * (1 - 2 * share) for n, share in zip(number[768:1024], faded, strict=True)]
    )
    assert heard[1024:] == number[1024:]


def test_changing_back_within_a_fade_turns_it_round_without_a_jump(modules: Run) -> None:
    heard = modules(
        TWIN
        + """push(0, 0, 1024); push(1, 0, 1024);
        turn(1); feed.hear(1); turn(1); feed.hear(0); turn(2);
        return heard.map((sample, at) => sample / (at + 1));"""
    )
    steps = [abs(after - before) for before, after in pairwise(heard)]
    assert max(steps) <= 2 / 256 + 1e-6
    assert min(heard) == pytest.approx(0)
    assert heard[383:] == [1] * 129


def test_a_side_chosen_before_the_first_frame_is_heard_from_it_on(modules: Run) -> None:
    heard = modules(
        TWIN + "turn(2); heard.splice(0); feed.hear(1); push(0, 0, 256); push(1, 0, 256); turn(2); return heard;"
    )
    assert heard == [-n for n in range(1, 257)]


def test_each_side_of_a_twin_feed_is_cut_by_itself(modules: Run) -> None:
    heard = modules(
        TWIN
        + """feed.hear(1); push(0, 0, 512); push(1, 0, 512); turn(1);
        feed.cut({ side: 1, frame: 200 }); push(1, 5000, 312); turn(3);
        return heard;"""
    )
    assert heard == [*(-n for n in range(1, 201)), *(-n for n in range(5001, 5313))]


def test_a_tape_is_cut_in_what_waits_for_its_deck_too(modules: Run) -> None:
    pushed, marks, next_frame, received = modules(
        """const { Stretch, Tape } = await load("tape.js");
        const start = { start_frame: 1000, total_frames: 9000, sample_rate: 44100, channels: 1 };
        const asked = { credit: 65536, settings: null };
        const stretch = (stream_id, more) => new Stretch({ id: 7 }, { ...start, stream_id, ...more }, asked);
        const tape = new Tape(stretch(1, {}));
        const block = (from, frames) => [Float32Array.from({ length: frames }, (_, at) => from + at)];
        tape.push(block(0, 300)); tape.push(block(300, 300));
        tape.cut(400);
        tape.splice(stretch(2, { start_frame: 1400, enhanced: true, preset: "warm", intensity: 0.5 }));
        tape.push(block(7000, 100));
        const pushed = [];
        tape.attach({ push: ([plane]) => pushed.push(...plane), command: () => {} }, false);
        const marks = tape.stretches.map(({ streamId, tapeStart, received, sound }) =>
            [streamId, tapeStart, received, sound.enhanced]);
        return [pushed, marks, tape.last.nextFrame, tape.received];"""
    )
    assert pushed == [*range(400), *range(7000, 7100)]
    assert marks == [[1, 0, 400, False], [2, 400, 100, True]]
    assert (next_frame, received) == (1500, 500)


def test_a_stretch_that_is_cut_away_whole_is_forgotten(modules: Run) -> None:
    """However often a paused listener changes a setting, a tape knows only what can be heard."""
    assert modules(
        """const { Stretch, Tape } = await load("tape.js");
        const start = { start_frame: 0, total_frames: 9000, sample_rate: 44100, channels: 1 };
        const tape = new Tape(new Stretch({ id: 7 }, { ...start, stream_id: 1 }, { credit: 65536 }));
        tape.push([new Float32Array(300)]);
        for (let time = 2; time < 100; time++) {
            tape.cut(200);
            tape.splice(new Stretch({ id: 7 }, { ...start, start_frame: 200, stream_id: time }, { credit: 65536 }));
            tape.push([new Float32Array(300)]);
        }
        return [tape.stretches.map(({ streamId }) => streamId), tape.received, tape.heardFrame];"""
    ) == [[1, 99], 500, 0]


def test_mastered_sound_is_sent_with_more_than_sixteen_bits_unless_data_is_dear(modules: Run) -> None:
    chosen = modules(
        """const { encodingOf } = await load("packet.js");
        return given.map(([bits, processed, form]) => encodingOf([{ bits }], { processed, form }));""",
        [[16, False, "exact"], [16, True, "exact"], [24, True, "exact"], [None, True, "exact"], [16, True, "s16"]],
    )
    assert chosen == ["s16", "s24", "s24", "f32", "s16"]


def test_tracks_behind_each_other_are_sent_as_exactly_as_any_of_them_needs(modules: Run) -> None:
    chosen = modules(
        """const { encodingOf } = await load("packet.js");
        const tracks = (list) => list.map((bits) => (bits === "unknown" ? null : { bits }));
        return given.map((list) => encodingOf(tracks(list), { processed: false, form: "exact" }));""",
        [[16, 16], [16, 24, 16], [24, None], [16, "unknown"]],
    )
    assert chosen == ["s16", "s24", "f32", "f32"]


def test_a_blind_test_counts_what_was_right_and_draws_again_after_each_vote(modules: Run) -> None:
    """X is given by the test, so that each vote's truth is known."""
    votes = modules(
        """const { BlindTest } = await load("abx.js");
        const drawn = [0, 1, 1, 0, 0];
        const test = new BlindTest(() => drawn.shift());
        return [0, 0, 1, 1].map((vote) => {
            const sounds = test.sideOf("x");
            const sides = [test.sideOf(0), test.sideOf(1)];
            return [sides, sounds, test.vote(vote), test.right, test.total];
        });"""
    )
    assert votes == [[[0, 1], 0, 0, 1, 1], [[0, 1], 1, 1, 1, 2], [[0, 1], 1, 1, 2, 3], [[0, 1], 0, 0, 2, 4]]


def test_what_x_is_cannot_be_read_from_a_blind_test_before_the_vote(modules: Run) -> None:
    zero, one = modules(
        """const { BlindTest } = await load("abx.js");
        return [0, 1].map((x) => { const test = new BlindTest(() => x); return JSON.stringify(test); });"""
    )
    assert zero == one


def test_the_toss_is_fair(modules: Run) -> None:
    """4,000 tosses; further from half than this happens once in a thousand million runs."""
    heads = modules(
        """const { fairToss } = await load("abx.js");
        return Array.from({ length: 4000 }, fairToss).reduce((sum, toss) => sum + toss, 0);"""
    )
    assert binom.ppf(5e-10, 4000, 0.5) <= heads <= binom.ppf(1 - 5e-10, 4000, 0.5)


def test_how_well_guessing_does_is_the_tail_of_the_binomial_distribution(modules: Run) -> None:
    runs = [[right, total] for total in (0, 1, 2, 10, 16, 100, 3000) for right in {0, total // 2, total}]
    runs += [[12, 16], [9, 10], [61, 100]]
    chances = modules(
        """const { guessing } = await load("abx.js");
        return given.map(([right, total]) => guessing(right, total));""",
        runs,
    )
    assert chances == pytest.approx([binom.sf(right - 1, total, 0.5) for right, total in runs], abs=1e-9)
    assert chances[runs.index([12, 16])] == pytest.approx(0.0384, abs=5e-5)


def test_the_servers_word_on_older_settings_does_not_undo_what_was_changed_since(modules: Run) -> None:
    """Three quick changes; their echoes come late. Then another page changes something, and a change is refused."""
    shown = modules(
        """const { Enhancement } = await load("enhancement.js");
        let asked = 0, answers = 0;
        const answering = { ping: () => (asked += 1), answered: (ticket) => answers >= ticket };
        const line = Object.assign(new EventTarget(), answering);
        const enhancement = new Enhancement(line);
        const hear = (kind, detail) => line.dispatchEvent(new CustomEvent(kind, { detail }));
        const settings = (enabled) => ({ enabled, preset: "warm", intensity: 1, match_loudness: false });
        const echo = (enabled) => hear("message", { type: "enhancement_settings_changed", data: settings(enabled) });
        const pong = () => ((answers += 1), hear("message", { type: "pong", data: {} }));
        const shown = [];
        enhancement.addEventListener("change", () => shown.push(enhancement.settings.enabled));
        hear("hello", { state: { enhancement: settings(false) } });
        for (const enabled of [true, false, true]) enhancement.tell(settings(enabled));
        echo(true); pong(); echo(false); pong(); echo(true); pong();
        const quick = shown.splice(0);
        echo(false);
        enhancement.tell(settings(true)); pong();
        return [quick, shown];"""
    )
    assert shown == [[False, True, False, True], [False, True, False]]
