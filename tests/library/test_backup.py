import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from auralis_trio.errors import BackupError, DatabaseDamaged, NotFound
from auralis_trio.library.artwork import ArtworkRecord, Owner, keep_choice, set_picture
from auralis_trio.library.backup import FOLDER, create_backup, list_backups, restore_backup
from auralis_trio.library.batch import apply_batch
from auralis_trio.library.folders import add_folder, list_folders
from auralis_trio.library.migrations import CHAIN
from auralis_trio.library.queries import list_artists, list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.store import FILE_NAME, Library, open_library
from tests.postgres import Postgres

Probed = Callable[..., ProbedFile]


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "sqlite":
        yield ""
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    made = postgres.new_database()
    yield made
    postgres.drop_database(made)


@pytest.fixture
def filled(tmp_path: Path, url: str, probed: Probed) -> Iterator[Library]:
    opened = open_library(tmp_path, url)
    add_folder(opened, "/music", 1)
    apply_batch(opened, [probed("one", artist="Björk")], 5)
    yield opened
    opened.close()


def names(library: Library) -> list[str]:
    return [folder.name for folder in list_folders(library)]


def test_a_backup_brings_the_library_back_as_it_was(filled: Library, tmp_path: Path, url: str) -> None:
    artist_id = list_artists(filled).items[0].id
    picture = ArtworkRecord(source="set", revision="abc", media_type="image/png", width=1, height=1)
    keep_choice(filled, Owner.ARTIST, artist_id, picture, "", b"\0picture")
    removed = ArtworkRecord(source="removed", revision=None, media_type=None, width=None, height=None)
    made = create_backup(tmp_path, url)
    keep_choice(filled, Owner.ARTIST, artist_id, removed, "")
    add_folder(filled, "/later", 2)
    tracks = list_tracks(filled)
    filled.close()
    before = restore_backup(tmp_path, url, made.name)
    library = open_library(tmp_path, url)
    assert names(library) == ["music"]
    assert list_tracks(library).items == list_tracks(library, search="bjork").items == tracks.items
    assert set_picture(library, "abc") == b"\0picture"
    assert add_folder(library, "/next", 3).id > list_folders(library)[0].id
    library.close()
    assert before is not None
    restore_backup(tmp_path, url, before)
    library = open_library(tmp_path, url)
    assert names(library) == ["music", "later"]
    library.close()


def test_a_backup_is_made_while_a_writer_is_in_the_middle(filled: Library, tmp_path: Path, url: str) -> None:
    with filled.writing() as entities:
        entities.Folder(path=b"/half", added_ns=1).flush()
        made = create_backup(tmp_path, url)
    assert names(filled) == ["music", "half"]
    filled.close()
    restore_backup(tmp_path, url, made.name)
    library = open_library(tmp_path, url)
    assert names(library) == ["music"]
    library.close()


def test_only_the_last_backups_are_kept_and_listed_newest_first(filled: Library, tmp_path: Path, url: str) -> None:
    made = [create_backup(tmp_path, url, keep=3, now_s=1_000_000.0 + 86_400 * day).name for day in range(3)]
    made += [create_backup(tmp_path, url, keep=3, now_s=1_000_000.0 + 86_400 * 2).name]
    assert [one.name for one in list_backups(tmp_path)] == made[:0:-1]
    assert sorted(os.listdir(tmp_path / FOLDER)) == made[1:]
    assert all(one.size_bytes == (tmp_path / FOLDER / one.name).stat().st_size for one in list_backups(tmp_path))


def test_a_damaged_backup_is_refused_and_the_library_stays(filled: Library, tmp_path: Path, url: str) -> None:
    made = create_backup(tmp_path, url)
    file = tmp_path / FOLDER / made.name
    data = bytearray(file.read_bytes())
    for at in range(0, len(data), 512):
        data[at : at + 64] = b"\xff" * len(data[at : at + 64])
    file.write_bytes(data)
    filled.close()
    with pytest.raises(BackupError, match="This backup is damaged" if not url else "pg_restore failed"):
        restore_backup(tmp_path, url, made.name)
    library = open_library(tmp_path, url)
    assert names(library) == ["music"]
    library.close()


def test_half_a_backup_is_refused_and_the_library_stays(filled: Library, tmp_path: Path, url: str) -> None:
    made = create_backup(tmp_path, url)
    file = tmp_path / FOLDER / made.name
    file.write_bytes(file.read_bytes()[: made.size_bytes // 2])
    filled.close()
    with pytest.raises(BackupError):
        restore_backup(tmp_path, url, made.name)
    library = open_library(tmp_path, url)
    assert names(library) == ["music"]
    library.close()


def test_a_backup_of_a_newer_version_is_refused(filled: Library, tmp_path: Path, url: str) -> None:
    with filled.writing():
        filled.db.execute(f"INSERT INTO schema_version (version, applied_ns) VALUES ({CHAIN[-1].version + 1}, 0)")
    with pytest.raises(BackupError, match="newer Auralis-Trio"):
        create_backup(tmp_path, url)
    assert os.listdir(tmp_path / FOLDER) == []


def test_a_backup_takes_the_place_of_a_library_of_a_newer_version_which_becomes_a_backup(
    filled: Library, tmp_path: Path, url: str
) -> None:
    made = create_backup(tmp_path, url)
    with filled.writing():
        filled.db.execute(f"INSERT INTO schema_version (version, applied_ns) VALUES ({CHAIN[-1].version + 1}, 0)")
    filled.close()
    before = restore_backup(tmp_path, url, made.name)
    library = open_library(tmp_path, url)
    assert names(library) == ["music"]
    library.close()
    assert before == list_backups(tmp_path)[0].name
    with pytest.raises(BackupError, match="This backup was made by a newer Auralis-Trio"):
        restore_backup(tmp_path, url, before)


def garbage(data: bytes) -> bytes:
    return b"garbage" + data[7:]


def no_schema(data: bytes) -> bytes:
    return data[:100] + b"\xff" * 3996 + data[4096:]


def one_page(data: bytes) -> bytes:
    """The last page, which is not looked at when the library is opened."""
    return data[:-4096] + b"\xff" * 4096


def nothing(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("harm", [garbage, no_schema, one_page, nothing])
def test_a_backup_takes_the_place_of_a_damaged_library_whose_remains_are_kept(
    tmp_path: Path, probed: Probed, harm: Callable[[bytes], bytes]
) -> None:
    opened = open_library(tmp_path)
    add_folder(opened, "/music", 1)
    apply_batch(opened, [probed(f"song {number}") for number in range(50)], 5)
    opened.close()
    made = create_backup(tmp_path)
    harmed = harm((tmp_path / FILE_NAME).read_bytes())
    (tmp_path / FILE_NAME).write_bytes(harmed)
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"old")
    with pytest.raises(DatabaseDamaged):
        create_backup(tmp_path)
    before = restore_backup(tmp_path, "", made.name)
    assert before is not None
    assert (tmp_path / before).read_bytes() == harmed
    assert [one.name for one in list_backups(tmp_path)] == [made.name]
    library = open_library(tmp_path)
    assert (names(library), len(list_tracks(library).items)) == (["music"], 50)
    library.close()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing",
        "../library.sqlite3",
        "library-20260101T000000.000Z.sqlite3",
        "library-20260101T000000.000Z.dump",
    ],
)
def test_a_backup_that_is_not_there_is_refused(tmp_path: Path, url: str, name: str) -> None:
    (tmp_path / FOLDER).mkdir()
    with pytest.raises(NotFound):
        restore_backup(tmp_path, url, name)


def test_where_no_library_is_there_is_nothing_to_back_up(tmp_path: Path) -> None:
    assert list_backups(tmp_path) == []
    with pytest.raises(NotFound):
        create_backup(tmp_path)
    assert not (tmp_path / FILE_NAME).exists()


def test_a_library_that_is_open_is_not_replaced(tmp_path: Path, probed: Probed) -> None:
    open_library(tmp_path).close()
    made = create_backup(tmp_path)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM folder").fetchall()
        with pytest.raises(BackupError, match="stop the server"):
            restore_backup(tmp_path, "", made.name)


def test_postgresql_without_its_programs_is_refused_in_a_sentence(
    postgres: Postgres, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BackupError, match="pg_dump"):
        create_backup(tmp_path, postgres.url("postgres"))


def test_a_database_that_does_not_answer_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="failed"):
        create_backup(tmp_path, "postgresql://nobody@127.0.0.1:1/nothing")
    assert os.listdir(tmp_path / FOLDER) == []
