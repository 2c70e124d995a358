"""What scanning costs, beside mutagen alone on the same files with as many processes, and beside MPD.

The files are real and small: of each kind one is encoded and tagged, and the copies differ in the digits of their
tags. MPD is Debian's; where it is not installed, it is left out and said so.
"""

# mypy: disable-error-code="no-untyped-call"

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import mutagen
import numpy as np
import soundfile
import trio
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TALB, TCON, TDRC, TIT2, TPE1, TPE2, TRCK
from mutagen.oggvorbis import OggVorbis

from auralis_trio.cli.serving import ready_interpreter
from auralis_trio.jobs.scan import Scan
from auralis_trio.library.store import open_library
from auralis_trio.offload import Lane, default_permits, open_offload
from auralis_trio.work.look import look_at_files
from scripts.benchmarks.table import Table

KINDS = (".mp3", ".flac", ".mp3", ".flac", ".ogg")
DIGITS, ALBUM_DIGITS, ARTIST_DIGITS = b"00000000", b"11111111", b"22222222"
ALBUM = 12
PROCESSES = default_permits()[Lane.PROCESS]
SAMPLE_S = 0.05
MEMORY_LIMIT_MB = 200


@dataclass(frozen=True)
class ScanEffort:
    """How many files."""

    files: int


FULL = ScanEffort(20_000)
QUICK = ScanEffort(4_000)
TRIAL = ScanEffort(60)


def measure_scan(effort: ScanEffort) -> Iterator[str]:
    """The table of one collection, and what was left out."""
    with TemporaryDirectory(prefix="auralis-bench-") as name:
        place = Path(name)
        paths = make_files(place / "music", effort.files)
        table = Table(f"scanning {effort.files} files with {PROCESSES} process(es)", "beside")
        alone_s = _mutagen_alone(paths)
        (cold_s, again_s), peak_mb = _scan(place)
        rate = effort.files / cold_s
        table.add("cold scan, files a second, beside mutagen alone", [rate], [effort.files / alone_s])
        mpd_s = _mpd(place)
        if mpd_s is not None:
            table.add("cold scan, files a second, beside MPD", [rate], [effort.files / mpd_s])
        table.add("unchanged rescan, seconds, beside 2", [again_s], [2.0])
        table.add("peak memory of all processes, MB, beside the bound", [peak_mb], [MEMORY_LIMIT_MB])
        yield str(table)
        if mpd_s is None:
            yield "MPD is not installed (apt-get install mpd) and was left out."


def make_files(folder: Path, number: int) -> list[str]:
    """Real files in albums of `ALBUM`, each with tags of its own."""
    folder.mkdir(parents=True)
    templates = {suffix: _template(folder / f"template{suffix}") for suffix in set(KINDS)}
    paths = []
    for index in range(number):
        album = folder / f"artist {index // (4 * ALBUM)}" / f"album {index // ALBUM}"
        album.mkdir(parents=True, exist_ok=True)
        suffix = KINDS[index // ALBUM % len(KINDS)]
        path = album / f"{index % ALBUM + 1:02} title {index}{suffix}"
        numbers = {DIGITS: index, ALBUM_DIGITS: index // ALBUM, ARTIST_DIGITS: index // (4 * ALBUM)}
        data = templates[suffix]
        for digits, value in numbers.items():
            data = data.replace(digits, b"%08d" % value)
        path.write_bytes(data)
        paths.append(str(path))
    return paths


def _template(path: Path) -> bytes:
    tone = (0.1 * np.sin(np.arange(4410) / 10)).astype(np.float32)
    soundfile.write(path, tone, 44_100, format={".mp3": "MP3", ".flac": "FLAC", ".ogg": "OGG"}[path.suffix])
    texts = {
        "title": f"Title {DIGITS.decode()}",
        "artist": f"Artist {ARTIST_DIGITS.decode()}",
        "album": f"Album {ALBUM_DIGITS.decode()}",
        "albumartist": f"Artist {ARTIST_DIGITS.decode()}",
        "tracknumber": "3",
        "date": "1999",
        "genre": "Jazz",
    }
    if path.suffix == ".mp3":
        frames = ID3()
        for frame, text in zip((TIT2, TPE1, TALB, TPE2, TRCK, TDRC, TCON), texts.values(), strict=True):
            frames.add(frame(3, [text]))
        frames.save(path)
    else:
        file: FLAC | OggVorbis = FLAC(path) if path.suffix == ".flac" else OggVorbis(path)
        if path.suffix == ".ogg":  # its pages have checksums, so its copies say the same
            texts = {name: text.strip("012") for name, text in texts.items() if name not in ("album", "albumartist")}
        file.update(texts)
        file.save()
    data = path.read_bytes()
    path.unlink()
    return data


def _read_alone(paths: Sequence[str]) -> int:
    return sum(mutagen.File(path) is not None for path in paths)


def _mutagen_alone(paths: Sequence[str]) -> float:
    """Seconds that mutagen takes for all files; the processes are there before the clock runs."""
    batches = [paths[first : first + 32] for first in range(0, len(paths), 32)]
    with ProcessPoolExecutor(PROCESSES) as pool:
        list(pool.map(_read_alone, [[]] * PROCESSES))
        began = time.perf_counter()
        read = sum(pool.map(_read_alone, batches))
        took_s = time.perf_counter() - began
    assert read == len(paths)
    return took_s


def _scan(place: Path) -> tuple[tuple[float, float], float]:
    """Seconds of a first scan and of one more, and the most memory (MB) that all its processes hold together.

    The processes are there before the clock runs, as they are in a server.
    """
    command = [sys.executable, "-m", "scripts.benchmarks.scanning", str(place / "music"), str(place / "data")]
    peak = 0.0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, _memory_mb(process.pid))
            try:
                process.wait(SAMPLE_S)
            except subprocess.TimeoutExpired:
                continue
        assert process.stdout is not None
        told = process.stdout.read()
    assert process.returncode == 0
    first_s, second_s = map(float, told.split())
    return (first_s, second_s), peak


async def _scan_twice(music: Path, data: Path) -> None:
    async with open_offload() as offload:
        library = await offload.run(Lane.WRITE, open_library, data)
        await offload.run_process(look_at_files, [])
        scan = Scan(library, offload, [str(music)], lambda _kind, _data: None)
        for _ in range(2):
            progress = await scan.run()
            assert (progress.state, progress.failed) == ("finished", 0)
            assert progress.started_ns is not None
            assert progress.finished_ns is not None
            print((progress.finished_ns - progress.started_ns) / 1e9, flush=True)
        await offload.run(Lane.WRITE, library.close)


def _memory_mb(root: int) -> float:
    """What a process and its children hold together; what they share counts once (PSS)."""
    total_kb, waiting = 0, [root]
    while waiting:
        pid = waiting.pop()
        try:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += map(int, children.read_text().split())
            found = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
        except OSError:  # it has just ended
            continue
        total_kb += int(found[1]) if found else 0
    return total_kb / 1024


def _mpd(place: Path) -> float | None:
    """Seconds that MPD takes to put all files into its database; None where it is not installed."""
    program = shutil.which("mpd")
    if program is None:
        return None
    home = place / "mpd"
    home.mkdir()
    (home / "conf").write_text(
        f'music_directory "{place / "music"}"\ndb_file "{home / "db"}"\nbind_to_address "{home / "socket"}"\n'
        f'auto_update "no"\naudio_output {{\n type "null"\n name "null"\n}}\n'
    )
    with (
        open(home / "log", "wb") as log,
        subprocess.Popen([program, "--no-daemon", "--stderr", str(home / "conf")], stderr=log, stdout=log) as process,
    ):
        try:
            return _mpd_update(str(home / "socket"), process)
        finally:
            process.terminate()


def _mpd_update(address: str, process: "subprocess.Popen[bytes]") -> float:
    while not os.path.exists(address):
        if process.poll() is not None:
            raise RuntimeError("MPD did not start")
        os.sched_yield()
    with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rwb", buffering=0) as stream:
        connection.connect(address)
        stream.readline()
        began = time.perf_counter()
        stream.write(b"update\n")
        _until_ok(stream)
        while True:
            stream.write(b"status\n")
            if not any(line.startswith(b"updating_db") for line in _until_ok(stream)):
                return time.perf_counter() - began
            stream.write(b"idle update\n")
            _until_ok(stream)


def _until_ok(stream: "socket.SocketIO") -> list[bytes]:
    lines: list[bytes] = []
    while (line := stream.readline()) and not line.startswith((b"OK", b"ACK")):
        lines.append(line)
    return lines


if __name__ == "__main__":
    ready_interpreter()
    trio.run(_scan_twice, Path(sys.argv[1]), Path(sys.argv[2]))
