"""What is told of a scan: what was asked for, how far it is, and what changed and why."""

from collections.abc import Callable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_REPORTED = 1000

Change = Literal["added", "updated", "moved", "missing", "back", "failed", "refused"]


class ScanOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which folders to scan, each within a configured one; none: all of them.

    With `recursive` also what lies below them. With `skip_existing` files that are as they were when they were last
    read are not read again.
    """

    directories: Annotated[list[Annotated[str, Meta(max_length=4096)]], Meta(max_length=1000)] | None = None
    recursive: bool = True
    skip_existing: bool = True


class ScanProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a scan is, in files: `done` of `total` (null until the folders were walked) are added, updated, moved,
    back, unchanged or failed, at `files_per_s`. At the end, copies in which missing tracks go on are read once more,
    and then count as moved as well. `missing` counts the tracks that it marked, without those that it has found
    elsewhere by now, `refused` the folders and files that could not be looked at, in which nothing was marked.
    `unavailable` names folders to scan in which nothing was marked, since they could not be looked at or had lost all
    their music at once, also in the middle of the scan, when what could not be read any more has failed; `folder` is
    relative to its root. `code` and `message` say why a scan has failed.
    """

    state: Literal["idle", "walking", "reading", "finished", "cancelled", "failed"] = "idle"
    done: int = 0
    total: int | None = None
    added: int = 0
    updated: int = 0
    moved: int = 0
    back: int = 0
    unchanged: int = 0
    missing: int = 0
    failed: int = 0
    refused: int = 0
    files_per_s: float | None = None
    folder: str | None = None
    unavailable: tuple[str, ...] = ()
    code: str | None = None
    message: str | None = None
    started_ns: int | None = None
    finished_ns: int | None = None


class ScanChange(msgspec.Struct, frozen=True):
    """What happened to one file, named from its folder of music on; `reason` is a stable code."""

    change: Change
    file: str
    reason: str


REASONS: dict[Change, str] = {
    "added": "new_file",
    "updated": "file_changed",
    "moved": "same_audio_elsewhere",
    "missing": "file_gone",
    "back": "file_is_back",
    "refused": "not_readable",
}


class ScanReport:
    """The first `MAX_REPORTED` changes of a scan; how many more there were is counted."""

    def __init__(self) -> None:
        self.left_off = 0
        self._changes: dict[tuple[Change, str], ScanChange] = {}

    @property
    def changes(self) -> list[ScanChange]:
        """What is reported, in the order in which it was noted."""
        return list(self._changes.values())

    def note(
        self, change: Change, paths: Sequence[str], shown: Callable[[str], str], reason: str | None = None
    ) -> None:
        """Note what happened to the files at `paths`, each by what is `shown` of it."""
        room = MAX_REPORTED - len(self._changes)
        for file in map(shown, paths[:room]):
            self._changes[change, file] = ScanChange(change, file, reason or REASONS[change])
        self.left_off += max(0, len(paths) - room)

    def take_back(self, change: Change, paths: Sequence[str], shown: Callable[[str], str]) -> None:
        """Leave out what was noted of the files at `paths`."""
        for file in map(shown, paths):
            if self._changes.pop((change, file), None) is None:
                self.left_off -= 1
