"""Reads an Ogg file's pages along with a decoder that passes over damaged ones in silence, and says where."""

from auralis_trio.decoder.file_map import FileMap
from auralis_trio.decoder.ogg import MAX_PAGE_BYTES, Page, read_page
from auralis_trio.decoder.regular_file import RegularFile
from auralis_trio.errors import SourceCorrupt

_GLANCE_BYTES = 1 << 13  # mostly more than a page


class PageGuard:
    """Follows the pages from the first with audio; frames are counted from position `origin` on."""

    def __init__(self, file: RegularFile, mapped: FileMap, origin: int) -> None:
        self._file = file
        self._start = mapped.payload[0][0]
        self._origin = origin
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Go to the page that `frame` lies on."""
        frame += self._origin if frame else 0
        self._serial = self._sequence = -1
        self._sound_until = 0
        self._broken = False
        low, high = self._start, self._file.size if frame else self._start
        while low < high:
            middle = (low + high) // 2
            page = self._first_page(middle, high)
            if page is None or page.position is None or page.position > frame:
                high = middle
            else:
                low, self._sound_until = page.offset + page.length, page.position
        self._next = low

    def sound_frames(self, start: int, frames: int) -> int:
        """How many of the `frames` from `start` lie before the first bad page.

        Raises:
            SourceCorrupt: none.
        """
        start, end = start + self._origin, start + self._origin + frames
        while self._sound_until < end and self._next < self._file.size and not self._broken:
            page = read_page(self._file, self._next)
            if page is None or not self._follows(page):
                self._broken = True
                break
            self._next += page.length
            self._sound_until = page.position or self._sound_until
        sound = min(end, self._sound_until) - start if self._broken else frames
        if frames and sound <= 0:
            raise SourceCorrupt(frame=start - self._origin)
        return sound

    def _follows(self, page: Page) -> bool:
        if self._serial in (-1, page.serial):
            expected, self._sequence = self._sequence, page.sequence + 1
            self._serial = page.serial
            return page.sound and expected in (-1, page.sequence)
        return page.sound

    def _first_page(self, start: int, end: int) -> Page | None:
        """The first page that begins in these bytes and on which a packet ends."""
        for span in (_GLANCE_BYTES, 2 * MAX_PAGE_BYTES):
            data = self._file.read_at(start, min(span, end - start))
            at = data.find(b"OggS")
            while at >= 0:
                page = read_page(self._file, start + at)
                if page is not None and page.position is not None:
                    return page
                at = data.find(b"OggS", at + 1)
        return None
