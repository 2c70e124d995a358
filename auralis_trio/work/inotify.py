"""What Linux tells of changes in folders and everything below them, see inotify(7); names may be any bytes."""

import ctypes
import errno
import os
import select
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from auralis_trio.audio.source import Check

_ATTRIB, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO = 0x4, 0x8, 0x40, 0x80
_CREATE, _DELETE, _DELETE_SELF, _MOVE_SELF = 0x100, 0x200, 0x400, 0x800
_OVERFLOW, _IGNORED, _IS_FOLDER = 0x4000, 0x8000, 0x4000_0000
_ONLY_FOLDERS, _NO_LINKS, _NO_UNLINKED = 0x100_0000, 0x200_0000, 0x400_0000

_LOOKED_FOR = (
    _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF | _MOVE_SELF
    | _ONLY_FOLDERS | _NO_LINKS | _NO_UNLINKED
)  # fmt: skip

_EVENT = struct.Struct("iIII")
_READ_BYTES = 1 << 16


@dataclass(frozen=True)
class Event:
    """Something that happened to what lies at `path`, or lay there."""

    path: str
    is_folder: bool


class FolderEvents:
    """What happens in `folders` and below them from now on, but in no hidden folder: one kernel watch for each.

    Links are not followed. A folder that may not be read is passed over, and so is one that goes meanwhile.
    `close` gives everything back.
    """

    def __init__(self, folders: Sequence[str], *, check: Check) -> None:
        """Raises OSError: one of `folders` is not there, or the system watches none, or no more of them."""
        self._folders = tuple(folders)
        self._library = ctypes.CDLL(None, use_errno=True)
        if not hasattr(self._library, "inotify_init1"):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
        self._paths: dict[int, str] = {}
        self._descriptor = -1
        self._begin(check)

    def read(self, wait_s: float, *, check: Check) -> list[Event]:
        """What happened, waiting for at most `wait_s` for the first of it.

        Where more happened than the system remembers, all is watched anew, and the folders themselves are named.

        Raises:
            OSError: one of the folders has gone, or the system watches no more of them.
        """
        waiting = select.poll()
        waiting.register(self._descriptor, select.POLLIN)
        if not waiting.poll(1000 * wait_s):
            return []
        found: list[Event] = []
        for number, mask, name in _parsed(os.read(self._descriptor, _READ_BYTES)):
            if mask & _OVERFLOW:
                self._begin(check)
                return [Event(folder, True) for folder in self._folders]
            if mask & _IGNORED:
                if self._paths.pop(number, None) in self._folders:
                    raise FileNotFoundError("a folder of music has gone, or its disk")
            elif (folder := self._paths.get(number)) is not None:
                event = Event(os.path.join(folder, name) if name else folder, bool(mask & _IS_FOLDER) or not name)
                self._follow(event, mask, check)
                found.append(event)
        return found

    def close(self) -> None:
        """Look no longer; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        self._paths = {}
        if descriptor >= 0:
            os.close(descriptor)

    def _begin(self, check: Check) -> None:
        self.close()
        self._descriptor = self._asked(self._library.inotify_init1, os.O_NONBLOCK | os.O_CLOEXEC)
        with ExitStack() as undo:
            undo.callback(self.close)
            for folder in self._folders:
                if not self._watch(folder):
                    raise NotADirectoryError(folder)
                self._watch_below(folder, check)
            undo.pop_all()

    def _follow(self, event: Event, mask: int, check: Check) -> None:
        """Watch a folder that came, and forget one that went, together with all that is known below it."""
        if not event.is_folder or not mask & (_CREATE | _MOVED_TO | _MOVED_FROM):
            return
        if mask & _MOVED_FROM:
            below = event.path + "/"
            gone = [number for number, path in self._paths.items() if path == event.path or path.startswith(below)]
            for number in gone:
                del self._paths[number]
                self._library.inotify_rm_watch(self._descriptor, number)
        elif not _is_hidden(event.path) and self._watch(event.path):
            self._watch_below(event.path, check)

    def _watch_below(self, folder: str, check: Check) -> None:
        waiting = [folder]
        while waiting:
            check()
            try:
                with os.scandir(waiting.pop()) as entries:
                    folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
            except OSError:  # the scan tells what cannot be read
                continue
            waiting += [path for path in folders if not _is_hidden(path) and self._watch(path)]

    def _watch(self, folder: str) -> bool:
        """Whether the folder is watched now."""
        try:
            number = self._asked(self._library.inotify_add_watch, self._descriptor, os.fsencode(folder), _LOOKED_FOR)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return False
        self._paths[number] = folder
        return True

    def _asked(self, call: Callable[..., int], *args: int | bytes) -> int:
        result = call(*args)
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def _is_hidden(path: str) -> bool:
    return os.path.basename(path).startswith(".")


def _parsed(data: bytes) -> Iterator[tuple[int, int, str]]:
    """Each event as the number of the watch, its mask and a name, which is empty for the folder itself."""
    at = 0
    while at < len(data):
        number, mask, _, length = _EVENT.unpack_from(data, at)
        at += _EVENT.size + length
        yield number, mask, os.fsdecode(data[at - length : at].rstrip(b"\0"))
