"""What mastering has to remember of each content: its profile, what rendering it taught, what its renders measured.

A profile of an older version of the analysis is as good as none. Tunings and receipts are texts whose meaning is
their owners' own; of each content the last `MAX_OF_EACH` are kept. A content is known by a part of a file: so what
was found out of a file is kept only while the library knows that very file, and forgotten when it is replaced.
"""

from collections.abc import Callable, Collection
from typing import Any

import msgspec
from pony.orm import Database, select

from auralis_trio.analysis import ANALYSIS_VERSION, Profile
from auralis_trio.library.queries import no_track, track_file
from auralis_trio.library.records import TrackFile
from auralis_trio.library.rows import run_with
from auralis_trio.library.store import Library

MAX_OF_EACH = 64
MAX_ALBUM_TRACKS = 200

_UNANALYSED = """SELECT min(id) FROM track WHERE id > $after_id AND NOT missing AND NOT EXISTS (
    SELECT 1 FROM analysis WHERE analysis.content_id = track.content_id AND analysis.version = $version)"""
_UNANALYSED_CONTENTS = """SELECT count(DISTINCT content_id) FROM track WHERE NOT missing AND NOT EXISTS (
    SELECT 1 FROM analysis WHERE analysis.content_id = track.content_id AND analysis.version = $version)"""

_RENDITIONS = "SELECT content_id FROM {table} WHERE replace(content_id, '@', '') <> content_id"


def keep_of(library: Library, file: TrackFile, keep: Callable[..., None], *found: object) -> bool:
    """Have `keep` remember what was found out of a file; False, and nothing done, where the library knows another."""
    with library.writing() as entities:
        track = entities.Track.get(id=file.track_id)
        if track is None or track_file(track).file_origin != file.file_origin:
            return False
        keep(library, file.content_id, *found)
        return True


def forget_failures(db: Database, contents: Collection[str]) -> None:
    """Let contents be tried again that could not be analysed, with all their renditions; within a session that
    writes."""
    run_with(db, "DELETE FROM analysis WHERE code IS NOT NULL AND content_id IN ?", _of(db, "analysis", contents))


def forget_findings(db: Database, contents: Collection[str]) -> None:
    """Forget what was measured of contents and what rendering them taught, with all their renditions; within a
    session that writes."""
    for table in ("analysis", "tuning"):
        run_with(db, f"DELETE FROM {table} WHERE content_id IN ?", _of(db, table, contents))


def _of(db: Database, table: str, contents: Collection[str]) -> list[str]:
    """These contents and their renditions at other rates that something is kept of."""
    wanted = set(contents)
    rows = db.select(_RENDITIONS.format(table=table)) if wanted else []
    return [*wanted, *(content_id for content_id in rows if content_id.partition("@")[0] in wanted)]


def get_profile(library: Library, content_id: str) -> Profile | None:
    """The present version's profile of a content."""
    with library.reading() as entities:
        row = entities.AnalysisRow.get(content_id=content_id)
        text = row.profile if row is not None and row.version == ANALYSIS_VERSION else None
    return None if text is None else msgspec.json.decode(text, type=Profile)


def keep_profile(library: Library, content_id: str, profile: Profile, now_ns: int) -> None:
    """Remember a profile; it takes the place of an older one, or of a failure."""
    text = msgspec.json.encode(profile).decode()
    _keep_analysis(library, content_id, profile=text, code=None, analysed_ns=now_ns)


def keep_failure(library: Library, content_id: str, code: str, now_ns: int) -> None:
    """Remember that this content cannot be analysed, so that it is not tried again and again."""
    _keep_analysis(library, content_id, profile=None, code=code, analysed_ns=now_ns)


def _keep_analysis(library: Library, content_id: str, **values: Any) -> None:
    with library.writing() as entities:
        row = entities.AnalysisRow.get(content_id=content_id)
        if row is None:
            entities.AnalysisRow(content_id=content_id, version=ANALYSIS_VERSION, **values)
        else:
            row.set(version=ANALYSIS_VERSION, **values)


def next_unanalysed(library: Library, after_id: int) -> TrackFile | None:
    """The next track that is there and whose content was neither analysed nor found to fail."""
    with library.reading() as entities:
        track_id = library.db.get(_UNANALYSED, {"after_id": after_id, "version": ANALYSIS_VERSION})
        return None if track_id is None else track_file(entities.Track[track_id])


def count_unanalysed(library: Library) -> int:
    """How many contents there are of that kind."""
    with library.reading():
        return int(library.db.get(_UNANALYSED_CONTENTS, {"version": ANALYSIS_VERSION}))


def album_files(library: Library, track_id: int) -> list[TrackFile]:
    """The tracks of a track's album whose files are there, in order; of a track without an album, itself.

    Raises:
        NotFound: there is no such track.
    """
    with library.reading() as entities:
        track = entities.Track.get(id=track_id)
        if track is None:
            raise no_track()
        if track.album is None:
            return [track_file(track)]
        album = track.album
        tracks = select(t for t in entities.Track if t.album == album and (not t.missing or t.id == track_id))
        ordered = tracks.order_by(lambda t: (t.disc_number, t.track_number, t.id))
        return [track_file(each) for each in ordered.limit(MAX_ALBUM_TRACKS + 1)]


def get_tuning(library: Library, content_id: str, sound: str) -> str | None:
    """What rendering this content with that sound taught."""
    with library.reading() as entities:
        row = entities.TuningRow.get(content_id=content_id, sound=sound)
        return None if row is None else str(row.value)


def keep_tuning(library: Library, content_id: str, sound: str, value: str) -> None:
    """Remember what it taught."""
    with library.writing() as entities:
        row = entities.TuningRow.get(content_id=content_id, sound=sound)
        if row is not None:
            row.set(value=value)
            return
        entities.TuningRow(content_id=content_id, sound=sound, value=value)
        _forget_oldest(entities.TuningRow, content_id)


def get_receipt(library: Library, revision: str) -> str | None:
    """What the samples of this revision measured."""
    with library.reading() as entities:
        row = entities.ReceiptRow.get(revision=revision)
        return None if row is None else str(row.value)


def keep_receipt(library: Library, content_id: str, revision: str, value: str) -> None:
    """Remember what they measured."""
    with library.writing() as entities:
        row = entities.ReceiptRow.get(revision=revision)
        if row is not None:
            row.set(value=value)
            return
        entities.ReceiptRow(content_id=content_id, revision=revision, value=value)
        _forget_oldest(entities.ReceiptRow, content_id)


def _forget_oldest(kind: Any, content_id: str) -> None:
    rows = select(row for row in kind if row.content_id == content_id).order_by(lambda row: row.id)[:]
    for row in rows[: max(0, len(rows) - MAX_OF_EACH)]:
        row.delete()
