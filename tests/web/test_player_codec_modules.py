"""The player's modules for compressed sound, run in the browser whose decoders they use."""

import base64
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from auralis_trio.audio.block import Block
from auralis_trio.audio.encoding import Encoding
from auralis_trio.audio.units import seconds_to_frame
from auralis_trio.encoder.flac import encode_flac
from auralis_trio.encoder.opus import OpusEncoder
from auralis_trio.wire.packets import pack_header
from tests import opus
from tests.web.player_page import Run, Samples

RATE = 48_000
BLOCK_FRAMES = 4_096

# Decodes packets as the chain does; gives the samples of each packet in base64, interleaved, and how often it failed.
DECODE = """const { openDecoding } = await load("decoding.js");
    const { parsePacket } = await load("packet.js");
    const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const textOf = (planes) => {
        const samples = new Float32Array(planes.length * planes[0].length);
        for (const [channel, plane] of planes.entries()) {
            plane.forEach((sample, at) => (samples[at * planes.length + channel] = sample));
        }
        let text = "";
        for (const byte of new Uint8Array(samples.buffer)) text += String.fromCharCode(byte);
        return btoa(text);
    };
    const taken = [];
    let failures = 0;
    const decoding = openDecoding(given.stretch, () => (failures += 1));
    for (const [number, packet] of given.packets.entries()) {
        decoding.decode(parsePacket(bytesOf(packet).buffer), (planes) => taken.push([number, textOf(planes)]));
    }
    await decoding.finish();
    return [taken, failures];"""


def noise(frames: int, channels: int, bits: int) -> Samples:
    """What FLAC can hardly make smaller, with both ends of the scale in it."""
    full = 2 ** (bits - 1)
    words = np.random.default_rng(frames).integers(-full, full, (frames, channels))
    words[: len(words) // 2] //= 50
    words[0], words[-1] = full - 1, -full
    return np.asarray(words / full, np.float32)


def flac_packet(samples: Samples, rate: int, bits: int) -> bytes:
    header = pack_header(Encoding.FLAC, 0, 1, 0, len(samples), 0)
    return header + encode_flac(Block(samples, 0), rate, bits)


def decode(modules: Run, packets: list[bytes], **stretch: Any) -> tuple[list[Samples], int]:
    """The samples of each packet that was decoded, and how often it was said that that failed."""
    texts = [base64.b64encode(packet).decode() for packet in packets]
    taken, failures = modules(DECODE, {"stretch": stretch, "packets": texts})
    assert [number for number, _ in taken] == list(range(len(taken)))
    blocks = [np.frombuffer(base64.b64decode(text), "<f4") for _, text in taken]
    return [block.reshape(-1, stretch["channels"]) for block in blocks], failures


@pytest.mark.parametrize(
    ("rate", "channels", "bits"), [(44_100, 2, 16), (96_000, 6, 24), (8_000, 1, 16), (192_000, 8, 24)]
)
def test_flac_is_decoded_to_the_very_samples(modules: Run, rate: int, channels: int, bits: int) -> None:
    """Packets of several frames, of one, of a single sample, and of silence."""
    blocks = [noise(frames, channels, bits) for frames in (8_192, 100, 4_097, 1, 16_384)]
    blocks.append(np.zeros((8_192, channels), np.float32))
    packets = [flac_packet(block, rate, bits) for block in blocks]
    decoded, failures = decode(modules, packets, encoding="flac", channels=channels, sampleRate=rate)
    assert failures == 0
    assert len(decoded) == len(blocks)
    assert all(np.array_equal(one, other) for one, other in zip(decoded, blocks, strict=True))


def test_every_frame_of_a_flac_stream_is_found_where_it_begins(modules: Run) -> None:
    lengths = (1, 4_096, 4_097, 32_768)
    streams = [encode_flac(Block(noise(frames, 2, 16), 0), RATE, 16) for frames in lengths]
    parts = modules(
        """const { flacParts } = await load("flac.js");
        return given.map((stream) => {
            const { head, frames } = flacParts(new Uint8Array(stream));
            return [[...head], frames.map((frame) => [frame[0], frame[1], frame[4]])];
        });""",
        [list(stream) for stream in streams],
    )
    for length, stream, (head, frames) in zip(lengths, streams, parts, strict=True):
        assert bytes(head[:4]) == b"fLaC"
        assert (head[4], len(head)) == (0x80, 42)  # a STREAMINFO, and no other block behind it
        assert bytes(head[8:]) == stream[8:42]
        assert frames == [[0xFF, 0xF8, number] for number in range(len(frames))]
        assert len(frames) == -(-length // BLOCK_FRAMES)


def test_what_is_no_flac_stream_is_refused(modules: Run) -> None:
    whole = encode_flac(Block(noise(100, 1, 16), 0), RATE, 16)
    refused = modules(
        """const { flacParts } = await load("flac.js");
        const { PacketError } = await load("packet.js");
        return given.map((stream) => {
            try {
                return flacParts(new Uint8Array(stream)).frames.length;
            } catch (error) {
                return error instanceof PacketError;
            }
        });""",
        [list(stream) for stream in (b"", b"fLaC", whole[:42], whole[:60], whole)],
    )
    assert refused == [True, True, True, True, 1]


def tone_hz(channel: int) -> int:
    return 200 + 90 * channel


def tones(frames: int, channels: int) -> NDArray[np.float32]:
    """Another tone in each channel."""
    times_s = np.arange(frames) / RATE
    return np.stack([0.3 * np.sin(2 * np.pi * tone_hz(one) * times_s) for one in range(channels)], 1).astype("f4")


@pytest.mark.parametrize("channels", [1, 2, 6, 8])
def test_opus_is_decoded_to_the_frames_that_its_packets_say(modules: Run, channels: int) -> None:
    """As another decoder does, but for what two decoders may make of one packet."""
    sound = tones(RATE + 123, channels)
    encoder = OpusEncoder(channels)
    packets = encoder.encode(Block(sound, 0)) + encoder.finish()
    starts = np.cumsum([0, *(packet.frames for packet in packets)]).tolist()
    messages = [
        pack_header(Encoding.OPUS, 0, 1, start, packet.frames, number) + packet.data
        for number, (start, packet) in enumerate(zip(starts, packets, strict=False))
    ]
    head = base64.b64encode(encoder.head).decode()
    form = {"encoding": "opus", "channels": channels, "sampleRate": RATE}
    blocks, failures = decode(modules, messages, opusHead=head, preSkipFrames=encoder.pre_skip_frames, **form)
    assert failures == 0
    assert [len(block) for block in blocks] == [end - start for start, end in pairwise(starts)]
    heard = np.concatenate(blocks)
    reference = opus.decoded((packet.data for packet in packets), encoder.head, encoder.pre_skip_frames, len(sound))
    assert np.sqrt(np.square(heard - reference).mean(axis=0)).max() < 2e-3
    # Each channel has its own tone, also that for low frequencies.
    assert np.abs(np.fft.rfft(heard[:RATE], axis=0)).argmax(axis=0).tolist() == [
        tone_hz(one) for one in range(channels)
    ]


def test_what_cannot_be_decoded_is_said_once_and_never_once_it_is_closed(modules: Run) -> None:
    said = modules(
        """const { openDecoding } = await load("decoding.js");
        const stretch = { encoding: "flac", channels: 2, sampleRate: 48000 };
        const stream = Uint8Array.from(given);
        stream.fill(0x55, 120);
        const said = [];
        for (const closes of [false, true]) {
            let failures = 0;
            const decoding = openDecoding(stretch, () => (failures += 1));
            for (let time = 0; time < 3; time++) decoding.decode({ frames: 8192, payload: stream }, () => {});
            if (closes) decoding.close();
            await decoding.finish();
            decoding.decode({ frames: 8192, payload: stream }, () => {});
            said.push(failures);
        }
        return said;""",
        list(encode_flac(Block(noise(8_192, 2, 16), 0), RATE, 16)),
    )
    assert said == [1, 0]


def test_blocks_are_handed_on_in_their_order_and_the_end_behind_them_however_late_they_are_decoded(
    modules: Run,
) -> None:
    told = modules(
        """const { Stretch, Tape } = await load("tape.js");
        const start = { stream_id: 1, start_frame: 0, total_frames: 900, sample_rate: 8000, channels: 1 };
        const planes = (from, frames) => [Float32Array.from({ length: frames }, (_, at) => from + at)];
        const tape = new Tape(new Stretch({ id: 7 }, start, { credit: 65536 }));
        const pushed = [], commands = [];
        const deck = { push: ([plane]) => pushed.push(...plane), command: (...command) => commands.push(command) };
        const blocks = [100, 100, 100].map((frames) => tape.expect(frames));
        tape.attach(deck, false);
        tape.fill(blocks[1], planes(100, 100));
        const early = pushed.length;
        tape.fill(blocks[0], planes(0, 100));
        const second = pushed.length;
        tape.cut(250);
        tape.splice(new Stretch({ id: 7 }, { ...start, stream_id: 2, start_frame: 250 }, { credit: 65536 }));
        const [cut, late] = [tape.received, tape.expect(50)];
        tape.finish();
        tape.fill(late, planes(1000, 50));
        const before = [pushed.length, commands.length];
        tape.fill(blocks[2], planes(200, 100));
        return [early, second, cut, before, pushed, commands];"""
    )
    assert told[:4] == [0, 200, 250, [200, 0]]
    assert told[4] == [*range(250), *range(1000, 1050)]
    assert told[5] == [["finish", 300]]


rates = st.sampled_from([8_000, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000])


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 2**36), rates, rates), min_size=1, max_size=30))
def test_the_server_finds_the_frame_that_it_is_told_at_its_rate(
    modules: Run, places: list[tuple[int, int, int]]
) -> None:
    starts = modules(
        """const { frameAt, startOf } = await load("position.js");
        return given.map(([frame, sampleRate, rate]) => {
            const position = { frame, sampleRate };
            return [startOf(position), frameAt(position, rate)];
        });""",
        [list(place) for place in places],
    )
    for (frame, rate, other), (start, converted) in zip(places, starts, strict=True):
        found = start["start_frame"] if "start_frame" in start else seconds_to_frame(start["position_s"], rate)
        assert found == frame
        assert abs(converted / other - frame / rate) <= 0.5 / other + 1e-9


def test_what_was_chosen_is_sent_and_heard_at_its_rate(modules: Run) -> None:
    chosen = modules(
        """const { encodingOf, rateOf } = await load("packet.js");
        return given.map(([sample_rate, form]) => {
            const track = sample_rate && { bits: 24, sample_rate };
            const encoding = encodingOf([track], { processed: true, form });
            return [encoding, rateOf(track, encoding)];
        });""",
        [[96_000, "opus"], [96_000, "flac"], [None, "opus"], [None, "flac"], [96_000, "s16"], [96_000, "exact"]],
    )
    expected = [["opus", RATE], ["flac", 96_000], ["opus", RATE], ["flac", None], ["s16", 96_000], ["s24", 96_000]]
    assert chosen == expected
