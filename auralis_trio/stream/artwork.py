"""Pictures of albums and artists for async code: found, made small and kept, each step through the door.

What was found and every thumbnail lie in a bounded cache under the hash of the picture's bytes; a picture that was
set lies in the library's database for as long as it is set.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from auralis_trio.errors import Conflict, NotFound, OutputError
from auralis_trio.library.artwork import (
    ArtworkRecord,
    ArtworkState,
    Owner,
    Source,
    artwork_state,
    keep_choice,
    keep_found,
    picture_times,
    set_picture,
)
from auralis_trio.library.disk_cache import DiskCache
from auralis_trio.offload import Lane, Offload
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.work.thumbnails import FoundPicture, PictureFacts, check_picture, find_picture, make_thumbnail

T = TypeVar("T")

NO_ARTWORK = "no_artwork"

_NOTHING: dict[str, Any] = {"revision": None, "media_type": None, "width": None, "height": None}

log = logging.getLogger(__name__)


class PictureFiles:
    """Where pictures lie in the data directory; blocking."""

    def __init__(self, folder: str | Path, max_cache_bytes: int) -> None:
        self.cache = DiskCache(Path(folder) / "cache", max_cache_bytes)

    def cache_if_possible(self, name: str, data: bytes) -> None:
        """Put something into the cache; a disk that does not take it costs only time later."""
        try:
            self.cache.put(name, data)
        except OSError:
            log.warning("a picture could not be cached: the data directory cannot be written to or is full")


class Artwork:
    """The pictures of one library."""

    def __init__(self, offload: Offload, catalogue: Catalogue, files: PictureFiles, deadline_s: float) -> None:
        self._offload = offload
        self._catalogue = catalogue
        self._files = files
        self._deadline_s = deadline_s

    async def find(self, owner: Owner, owner_id: int) -> ArtworkRecord:
        """What picture an album or artist has now.

        Raises:
            NotFound: there is no such album or artist, or it has no picture.
            TimedOut, WorkerDied: its files could not be looked through, or not within the deadline.
        """
        state = await self._catalogue.ask(artwork_state, owner, owner_id)
        if state.kept is not None and state.kept.source in {"set", "removed"}:
            return _present(state.kept)
        seen = await self._seen(state)
        if state.kept is not None and state.seen == seen:
            return _present(state.kept)
        record, _ = await self._look(owner, owner_id, state, seen)
        return _present(record)

    async def picture(self, owner: Owner, owner_id: int, record: ArtworkRecord, size: int | None) -> bytes:
        """The bytes of what `find` gave: a thumbnail of one of the fixed sizes, None: the picture as it is.

        Raises:
            NotFound: the picture has gone meanwhile.
            Conflict: another one has come in its place.
            TimedOut, WorkerDied: it could not be read or made small, or not within the deadline.
        """
        revision = str(record.revision)
        name = f"{revision}-{size}"
        if size is not None and (small := await self._disk(self._files.cache.get, name)) is not None:
            return small
        data = await self._disk(self._files.cache.get, revision)
        if data is None:
            data = await self._catalogue.ask(set_picture, revision)
        if data is None:
            data = await self._find_again(owner, owner_id, revision)
        if size is None:
            return data
        small = await self._offload.run_process(make_thumbnail, data, size, deadline_s=self._deadline_s)
        await self._disk(self._files.cache_if_possible, name, small)
        return small

    async def set(self, owner: Owner, owner_id: int, data: bytes) -> ArtworkRecord:
        """Give an album or artist a picture.

        Raises:
            NotFound: there is no such album or artist.
            PictureRefused: it cannot be shown, or is too large.
            WorkerDied: the process that looked at it died of it.
            Busy, TimedOut: the database does not take it now.
        """
        await self._catalogue.ask(artwork_state, owner, owner_id)
        facts = await self._offload.run_process(check_picture, data, deadline_s=self._deadline_s)
        return await self._choose(owner, owner_id, _record("set", facts), "", data)

    async def extract(self, owner: Owner, owner_id: int) -> ArtworkRecord:
        """Look for a picture in and beside the files again, whatever was set or removed.

        Raises:
            NotFound: there is no such album or artist, or nothing is found; then what was set stays.
            TimedOut, WorkerDied: as in `find`.
        """
        state = await self._catalogue.ask(artwork_state, owner, owner_id)
        seen = await self._seen(state)
        found = await self._search(state)
        if found is None:
            raise no_artwork()
        return await self._choose(owner, owner_id, _record(found.source, found.facts), seen)

    async def remove(self, owner: Owner, owner_id: int) -> ArtworkRecord:
        """Show no picture any more, until one is set or extracted; files of music stay as they are.

        Raises:
            NotFound: there is no such album or artist, or it has no picture.
        """
        await self.find(owner, owner_id)
        return await self._choose(owner, owner_id, ArtworkRecord(source="removed", **_NOTHING), "")

    async def _look(
        self, owner: Owner, owner_id: int, state: ArtworkState, seen: str
    ) -> tuple[ArtworkRecord, FoundPicture | None]:
        """Look for a picture, and note what is found."""
        found = await self._search(state)
        record = ArtworkRecord(source="none", **_NOTHING) if found is None else _record(found.source, found.facts)
        try:
            await self._catalogue.tell(keep_found, owner, owner_id, record, seen)
        except OutputError:
            log.info("the picture of %s %d was not noted; the next look searches again", owner.value, owner_id)
        return record, found

    async def _find_again(self, owner: Owner, owner_id: int, revision: str) -> bytes:
        """A picture that the cache has dropped, if it is still the same; else what is there now is noted."""
        state = await self._catalogue.ask(artwork_state, owner, owner_id)
        _, found = await self._look(owner, owner_id, state, await self._seen(state))
        if found is None:
            raise no_artwork()
        if found.facts.revision != revision:
            raise picture_changed()
        return found.data

    async def _seen(self, state: ArtworkState) -> str:
        return state.seen_now(await self._disk(picture_times, state.folders, state.names))

    async def _search(self, state: ArtworkState) -> FoundPicture | None:
        """The picture that there is, from now on in the cache."""
        found = await self._offload.run_process(
            find_picture, state.folders, state.names, state.files, deadline_s=self._deadline_s
        )
        if found is not None:
            await self._disk(self._files.cache_if_possible, found.facts.revision, found.data)
        return found

    async def _choose(
        self, owner: Owner, owner_id: int, record: ArtworkRecord, seen: str, data: bytes | None = None
    ) -> ArtworkRecord:
        await self._catalogue.tell(keep_choice, owner, owner_id, record, seen, data)
        return record

    async def _disk(self, fn: Callable[..., T], *args: Any) -> T:
        return await self._offload.run(Lane.DISK, fn, *args, deadline_s=self._deadline_s)


def _record(source: Source, facts: PictureFacts) -> ArtworkRecord:
    return ArtworkRecord(source=source, **msgspec.structs.asdict(facts))


def _present(record: ArtworkRecord) -> ArtworkRecord:
    if record.revision is None:
        raise no_artwork()
    return record


def picture_changed() -> Conflict:
    """What is raised where another picture is there than the one that is asked for."""
    return Conflict("The picture has changed. Ask for it without its revision.", code="stale_revision")


def no_artwork() -> NotFound:
    """What is raised where there is no picture."""
    return NotFound("There is no picture here. Set one, or put a cover file beside the music.", code=NO_ARTWORK)
