"""Looking through folders of music on the disk: what lies there, and what could not be looked at.

Links are not followed, neither to folders nor to files: what they point to is found where it really lies, or lies
outside of the folders that the operator named. So a loop of links is no loop here. Hidden files and folders,
whatever is not a regular file with a suffix of a format that can be scanned, and what the listener wants left out
(`ignore`), are passed over.
"""

import os
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass

import msgspec

from auralis_trio.audio.formats import scanned_suffixes
from auralis_trio.audio.source import Check
from auralis_trio.audio.units import modified_ns
from auralis_trio.errors import InvalidRequest
from auralis_trio.library.ignore import Rules, has_no_media, rules_in
from auralis_trio.library.lyrics import lyrics_times

MAX_DIRECTORIES = 100
MAX_UNREADABLE = 1000
_LOOKED_FOR = 500


@dataclass(frozen=True)
class Target:
    """A folder to scan, and the root that it lies in or is; both as real, absolute paths.

    With `recursive` everything below is looked at, without only the files right in it.
    """

    root: str
    path: str
    recursive: bool = True

    @property
    def name(self) -> str:
        """What people may see of it: the root's own name and the way from there."""
        return shown(os.path.join(os.path.basename(self.root), os.path.relpath(self.path, self.root)))

    def holds(self, path: str) -> bool:
        """Whether `path` lies in the part of it that is looked at."""
        return _is_inside(path, self.path) if self.recursive else os.path.dirname(path) == self.path

    def relative(self, path: str) -> str:
        """What people may see of a folder in it: the way from the root; `.` is the root itself."""
        return shown(os.path.relpath(path, self.root))

    def shown_file(self, path: str) -> str:
        """What people may see of a file in it: the root's own name and the way from there."""
        return shown(os.path.join(os.path.basename(self.root), os.path.relpath(path, self.root)))

    def folder_of(self, path: str) -> str:
        """The same for the folder of a file in it."""
        return self.relative(os.path.dirname(path))


class FoundFile(msgspec.Struct, frozen=True):
    """A file that can be scanned, as the disk shows it, and when a file of its lyrics beside it was changed."""

    path: str
    size: int
    mtime_ns: int
    lyrics_mtime_ns: int | None = None


def shown(path: str) -> str:
    """A path as text that can be sent: bytes that are no text are replaced."""
    return os.fsencode(os.path.normpath(path)).decode("utf-8", "replace")


def resolve_targets(roots: Sequence[str], directories: Sequence[str] | None, recursive: bool = True) -> list[Target]:
    """The folders that a scan of `directories` (absolute, or relative to a root; None: every root) has to look at.

    A folder within another of them is left out where it is looked at anyway.

    Raises:
        InvalidRequest: a directory is not there, or does not lie in any root.
    """
    real_roots = _real(roots)
    if directories is None:
        targets = [Target(root, root, recursive) for root in real_roots]
    elif len(directories) > MAX_DIRECTORIES:
        raise InvalidRequest(f"At most {MAX_DIRECTORIES} folders can be named at once.", code="too_many_folders")
    else:
        targets = [_resolve(real_roots, directory, recursive) for directory in directories]
    targets = list(dict.fromkeys(targets))
    if not recursive:
        return targets
    return [target for target in targets if not any(_is_inside(target.path, other.path) for other in targets)]


def named_folders(roots: Sequence[str]) -> dict[str, bool]:
    """The folders that were named, as they really are and without those within another, and whether each is there."""
    real = dict.fromkeys(_real(roots))
    return {root: os.path.isdir(root) for root in real if folder_of(root, real) is None}


def folder_of(path: str, folders: Iterable[str]) -> str | None:
    """The first of some folders that `path` lies in."""
    return next((folder for folder in folders if _is_inside(path, folder)), None)


def paths_to_find(roots: Sequence[str], paths: Sequence[str], *, check: Check) -> set[str]:
    """Those of some files that a scan of `roots` would find, or may find, since their folder cannot be looked at."""
    named, waiting = named_folders(roots), dict[str, set[str]]()
    for path in paths:
        check()
        if folder_of(path, named) is not None and _may_be_there(path):
            waiting.setdefault(os.path.dirname(path), set()).add(path)
    found: set[str] = set()
    for folder, expected in waiting.items():
        walk = Walk(Target(str(folder_of(next(iter(expected)), named)), folder, False), scanned_suffixes())
        while files := walk.take(_LOOKED_FOR, check=check):
            found.update(file.path for file in files if file.path in expected)
        found.update(path for path in expected if walk.missed(path))
    return found


def _may_be_there(path: str) -> bool:
    try:
        os.lstat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # a NUL: displaced
        return False
    except OSError:
        return True
    return True


def gone_targets(targets: Sequence[Target]) -> list[Target]:
    """Those of some folders with music that are not there any more, or hold nothing at all: an empty mount point."""
    return [target for target in targets if not _holds_anything(target.path)]


def _holds_anything(path: str) -> bool:
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is not None
    except OSError:
        return False


def _real(roots: Sequence[str]) -> list[str]:
    return [os.path.realpath(root) for root in roots]


def _resolve(roots: Sequence[str], directory: str, recursive: bool) -> Target:
    for root in roots:
        try:
            path = os.path.realpath(os.path.join(root, directory))
            if (path == root or _is_inside(path, root)) and os.path.isdir(path):
                return Target(root, path, recursive)
        except ValueError:  # a NUL, or half a character
            break
    raise InvalidRequest(
        "This folder is not there, or not within the folders that this server was started with.",
        code="folder_not_allowed",
    )


def _identified(path: str) -> tuple[int | None, str | None]:
    """The disk that a folder lies on, and what no other folder is called on this machine."""
    try:
        status = os.stat(path, follow_symlinks=False)
    except (OSError, ValueError):
        return None, None
    return status.st_dev, f"{status.st_dev}:{status.st_ino}"


def _is_inside(path: str, folder: str) -> bool:
    return path != folder and path.startswith(folder.rstrip("/") + "/")


class Walk:
    """One look through `target`, in as many steps as wanted. Its memory is that of the folders still to be entered,
    and of the names of one folder's lyrics.

    `found` counts the files, `ignored` the files and folders that the listener wants left out.
    `unreadable` holds what could not be looked at; whatever the library knows below these is neither there nor gone.
    Past `MAX_UNREADABLE` of them, the target itself stands for all. Those which have not just gone are counted in
    `refused`, and the first of them named in `refused_paths`: a folder, a file, or the rules of a folder.

    At its end, `identity` tells the target's folder from every other one that may lie at its path some day; None
    where it was not the same all the time, or its files lie on several disks.
    """

    def __init__(self, target: Target, suffixes: Set[str]) -> None:
        self.target = target
        self.unreadable: set[str] = set()
        self.folder = target.path
        self.found = 0
        self.ignored = 0
        self.refused = 0
        self.refused_paths: list[str] = []
        self.identity: str | None = None
        self._device: int | None = None
        self._suffixes = suffixes
        self._entries = self._walk()

    def take(self, limit: int, *, check: Check) -> list[FoundFile]:
        """The next files, at most `limit`; none are left when the list is shorter."""
        files: list[FoundFile] = []
        for file in self._entries:
            check()
            if file is not None:
                files.append(file)
                if len(files) == limit:
                    break
        self.found += len(files)
        return files

    def _walk(self) -> Iterator[FoundFile | None]:
        """Each file that can be scanned, and None for everything else that was looked at."""
        self._device, identity = _identified(self.target.path)
        yield from self._entries_below()
        if self._device is not None and (self._device, identity) == _identified(self.target.path):
            self.identity = identity

    def _entries_below(self) -> Iterator[FoundFile | None]:
        waiting: list[tuple[str, Rules | None]] = self._first()
        while waiting:
            self.folder, above = waiting.pop()
            try:
                if has_no_media(self.folder):
                    self.ignored += 1
                    continue
                rules = rules_in(self.folder, above)
                lyrics = lyrics_times(self.folder)
                with os.scandir(self.folder) as entries:
                    for entry in entries:
                        if entry.name.startswith("."):
                            yield None
                        elif entry.is_dir(follow_symlinks=False):
                            if self.target.recursive and not self._is_ignored(rules, entry.path, True):
                                waiting.append((entry.path, rules))
                            yield None
                        else:
                            yield self._file(entry, rules, lyrics)
            except OSError as error:
                self._miss(self.folder, error)

    def _first(self) -> list[tuple[str, Rules | None]]:
        """The target's folder with the rules from above it; nothing where these leave it out."""
        rules: Rules | None = None
        folder = self.target.root
        try:
            for name in self.target.path[len(folder) :].split("/"):
                folder = os.path.join(folder, name) if name else folder
                if folder != self.target.root and self._is_ignored(rules, folder, True):
                    return []
                if folder == self.target.path:
                    break
                if has_no_media(folder):
                    self.ignored += 1
                    return []
                rules = rules_in(folder, rules)
        except OSError as error:
            self._miss(self.target.path, error)
            return []
        return [(self.target.path, rules)]

    def _is_ignored(self, rules: Rules | None, path: str, is_folder: bool) -> bool:
        ignored = rules is not None and rules.ignores(path, is_folder)
        self.ignored += ignored
        return ignored

    def _file(self, entry: os.DirEntry[str], rules: Rules | None, lyrics: dict[str, int]) -> FoundFile | None:
        suffix = entry.name[entry.name.rfind(".") :].lower()
        if suffix not in self._suffixes:
            return None
        if self._is_ignored(rules, entry.path, False):
            return None
        try:
            if not entry.is_file(follow_symlinks=False):
                return None
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            self._miss(entry.path, error)
            return None
        if status.st_dev != self._device:
            self._device = None
        lyrics_mtime_ns = lyrics.get(entry.path[: -len(suffix)])
        return FoundFile(entry.path, status.st_size, modified_ns(status), lyrics_mtime_ns)

    def _miss(self, path: str, error: OSError) -> None:
        self.unreadable.add(path)
        if not isinstance(error, FileNotFoundError | NotADirectoryError):
            self.refused += 1
            if len(self.refused_paths) < MAX_UNREADABLE:
                self.refused_paths.append(error.filename or path)
        if len(self.unreadable) > MAX_UNREADABLE:
            self.unreadable = {self.target.path}

    def missed(self, path: str) -> bool:
        """Whether `path` is, or lies below, something that could not be looked at."""
        while len(path) > len(self.target.path) and path not in self.unreadable:
            path = os.path.dirname(path)
        return path in self.unreadable
