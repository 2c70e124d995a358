"""Files that are put, copied, moved, exchanged and deleted at random, between scans of which some end early, against
a model of the folders: a track is there where a file is, and none with a rating is missing beside an unrated copy."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auralis_trio.jobs.scan import Scan
from auralis_trio.library.forgetting import forget_missing_tracks, missing_page
from auralis_trio.library.personal import set_rating
from auralis_trio.library.queries import get_track_file, list_tracks
from auralis_trio.library.records import TrackRecord
from auralis_trio.library.store import Library, open_library
from auralis_trio.offload import InlineOffload
from tests.jobs.test_scan import Events, write_song
from tests.jobs.test_scan_moves import EndingDoor

CONTENTS = 4
ROOTS = ("one", "two")
PLACES = [f"{root}/{folder}{name}.flac" for root in ROOTS for folder in ("", "sub/") for name in "abc"]
STEPS = ("keep_plan", "mark_missing", "copies_page", "take_over", "apply_batch")

places = st.sampled_from(PLACES)
changes = st.one_of(
    st.tuples(st.just("put"), places, st.integers(0, CONTENTS - 1)),
    st.tuples(st.sampled_from(["move", "move", "copy", "exchange"]), places, places),
    st.tuples(st.just("delete"), places),
    st.tuples(st.just("empty"), st.sampled_from(ROOTS)),
    st.tuples(st.just("rename root"), st.sampled_from(ROOTS)),
    st.tuples(st.just("rate"), st.integers(0, 20), st.integers(1, 5)),
    st.tuples(st.just("end early"), st.sampled_from(STEPS)),
    st.tuples(st.just("forget")),
)


class World:
    """A library, its folders of music, and what is done to them; files have times that no two share."""

    def __init__(self, base: Path, library: Library) -> None:
        self.base, self.library = base, library
        self.roots = {root: root for root in ROOTS}
        self.renamed = 0
        self.time_s = 1_700_000_000
        (base / "songs").mkdir()
        for content in range(CONTENTS):
            write_song(base / "songs" / f"{content}.flac", 500 + content, title=f"{content}")
        for root in ROOTS:
            (base / root / "sub").mkdir(parents=True)

    def at(self, place: str) -> Path:
        root, _, rest = place.partition("/")
        return self.base / self.roots[root] / rest

    def lay(self, source: Path, to: Path) -> None:
        shutil.copy(source, self.base / "draft")
        self.time_s += 1
        os.utime(self.base / "draft", (self.time_s, self.time_s))
        (self.base / "draft").replace(to)

    def change(self, kind: str, *args: Any) -> None:
        getattr(self, kind.replace(" ", "_"))(*args)

    def put(self, place: str, content: int) -> None:
        self.lay(self.base / "songs" / f"{content}.flac", self.at(place))

    def move(self, source: str, to: str) -> None:
        if source != to and self.at(source).exists():
            self.at(source).replace(self.at(to))

    def copy(self, source: str, to: str) -> None:
        if source != to and self.at(source).exists():
            self.lay(self.at(source), self.at(to))

    def exchange(self, one: str, other: str) -> None:
        if one != other and self.at(one).exists() and self.at(other).exists():
            self.at(one).rename(self.base / "held")
            self.at(other).rename(self.at(one))
            (self.base / "held").rename(self.at(other))

    def delete(self, place: str) -> None:
        self.at(place).unlink(missing_ok=True)

    def empty(self, root: str) -> None:
        for place in PLACES:
            if place.startswith(root):
                self.delete(place)

    def rename_root(self, root: str) -> None:
        self.renamed += 1
        before = self.base / self.roots[root]
        self.roots[root] = f"{root}{self.renamed}"
        before.rename(self.base / self.roots[root])

    def rate(self, choice: int, stars: int) -> None:
        there = [track for track in self.tracks() if not track.missing and track.rating is None]
        if there:
            set_rating(self.library, there[choice % len(there)].id, stars)

    def forget(self) -> None:
        forget_missing_tracks(self.library, [track_id for track_id, _ in missing_page(self.library, 0)])

    def end_early(self, step: str) -> None:
        scan: Scan

        def end() -> None:
            scan.cancel_nowait()

        scan = Scan(self.library, EndingDoor(step, end), self.named, Events())
        trio.run(scan.run)

    @property
    def named(self) -> list[str]:
        return [str(self.base / root) for root in self.roots.values()]

    def scan(self) -> None:
        progress = trio.run(Scan(self.library, InlineOffload(), self.named, Events()).run)
        assert progress.state == "finished"
        assert progress.done == progress.total
        assert progress.unavailable == ()

    def tracks(self) -> list[TrackRecord]:
        return list(list_tracks(self.library, 500, sort="added").items)

    def check(self) -> None:
        """Nothing that lies on the disk is unknown, nothing that is known as there has gone, and nothing is lost."""
        tracks = self.tracks()
        there = {get_track_file(self.library, track.id).path: track for track in tracks if not track.missing}
        files = {str(self.at(place)): place for place in PLACES if self.at(place).exists()}
        assert there.keys() == files.keys()
        for path, track in there.items():
            assert Path(path).read_bytes() == (self.base / "songs" / f"{track.title}.flac").read_bytes()
        contents = {track.id: get_track_file(self.library, track.id).content_id for track in tracks}
        lost = {contents[track.id] for track in tracks if track.missing and track.rating is not None}
        assert not lost & {contents[track.id] for track in there.values() if track.rating is None}


@contextmanager
def world() -> Iterator[World]:
    with TemporaryDirectory() as folder:
        library = open_library(Path(folder) / "data")
        try:
            yield World(Path(folder), library)
        finally:
            library.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(changes, min_size=1, max_size=4), min_size=1, max_size=8))
def test_after_every_scan_tracks_are_where_files_are_and_no_rating_is_lost_beside_a_copy(rounds: list[Any]) -> None:
    with world() as there:
        for some in rounds:
            for change in some:
                there.change(*change)
            there.scan()
            there.check()
