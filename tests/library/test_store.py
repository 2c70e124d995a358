import os
import resource
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg2
import pytest
from pony.orm import DatabaseError

from auralis_trio.errors import Busy, DatabaseDamaged, OutputError, StartupError
from auralis_trio.library.folders import add_folder, list_folders
from auralis_trio.library.migrations import WRITER_LOCK
from auralis_trio.library.postgresql import hold_database
from auralis_trio.library.queries import list_tracks
from auralis_trio.library.records import ProbedFile
from auralis_trio.library.store import FILE_NAME, Library, open_library
from tests.postgres import Postgres


def test_what_was_written_is_there_after_closing_and_opening_again(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    added = add_folder(library, "/music", 7)
    library.close()
    library = open_library(tmp_path)
    assert list_folders(library) == [added]
    library.close()


def test_closing_leaves_everything_in_the_one_file(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    add_folder(library, "/music", 7)
    library.close()
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


def test_the_file_is_in_write_ahead_mode(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    with library.reading():
        assert library.db.select("SELECT journal_mode FROM pragma_journal_mode") == ["wal"]
        assert library.db.select("SELECT synchronous FROM pragma_synchronous") == [1]
    library.close()


def test_two_libraries_can_be_open_in_one_process(tmp_path: Path) -> None:
    one, other = open_library(tmp_path / "one"), open_library(tmp_path / "other")
    add_folder(one, "/music", 1)
    assert [folder.name for folder in list_folders(one)] == ["music"]
    assert list_folders(other) == []
    one.close()
    other.close()


def test_readers_see_the_last_committed_state_while_a_writer_is_at_work(
    library: Library, fill: Callable[..., None], probed: Callable[..., ProbedFile]
) -> None:
    fill([probed("one.wav")])
    seen: list[int] = []

    def read() -> None:
        seen.append(list_tracks(library).total)
        library.db.disconnect()

    with library.writing() as entities:
        entities.Track.select().delete(bulk=True)
        reader = threading.Thread(target=read)
        reader.start()
        reader.join()
    assert seen == [1]
    assert list_tracks(library).total == 0


def test_all_that_one_session_reads_is_of_one_moment(
    library: Library, fill: Callable[..., None], probed: Callable[..., ProbedFile]
) -> None:
    def write() -> None:
        fill([probed("one.wav")])
        library.db.disconnect()

    count = "SELECT count(*) FROM track"
    with library.reading():
        before = library.db.get(count)
        writer = threading.Thread(target=write)
        writer.start()
        writer.join()
        after = library.db.get(count)
    assert before == after == 0
    assert list_tracks(library).total == 1


def test_a_session_that_reads_cannot_write_on_postgresql(postgresql_library: Library) -> None:
    with pytest.raises(DatabaseError, match="read-only"), postgresql_library.reading():
        postgresql_library.db.execute("DELETE FROM track")


def test_a_change_that_fails_is_not_kept_in_part(library: Library) -> None:
    def change_and_fail() -> None:
        with library.writing() as entities:
            entities.Folder(path=b"/half", added_ns=1)
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        change_and_fail()
    assert [folder.name for folder in list_folders(library)] == ["music"]


def test_a_database_that_another_program_holds_is_refused_in_one_sentence(tmp_path: Path) -> None:
    open_library(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StartupError, match="Another program holds the library"):
            open_library(tmp_path, lock_wait_s=0.01)


def test_a_new_database_that_another_program_holds_is_refused_as_well(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        other.execute("CREATE TABLE theirs (id INTEGER)")
        with pytest.raises(StartupError, match="Another program holds the library"):
            open_library(tmp_path, lock_wait_s=0.01)


def test_a_write_beside_another_program_that_holds_the_database_is_refused_as_busy(tmp_path: Path) -> None:
    library = open_library(tmp_path, lock_wait_s=0.01)
    with closing(sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy):
            add_folder(library, "/music", 1)
        assert list_folders(library) == []
    add_folder(library, "/music", 1)
    library.close()


def test_a_file_that_is_no_database_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"this is no database " * 100)
    with pytest.raises(DatabaseDamaged):
        open_library(tmp_path)


def test_a_data_directory_that_cannot_be_made_is_refused_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="data directory cannot be made"):
        open_library(tmp_path / "file")


def open_in(postgres: Postgres, tmp_path: Path, **more: float) -> tuple[Library, str]:
    url = postgres.new_database()
    return open_library(tmp_path, url, **more), url


def test_a_library_in_postgresql_leaves_no_database_in_the_data_directory(postgres: Postgres, tmp_path: Path) -> None:
    library, url = open_in(postgres, tmp_path)
    added = add_folder(library, "/music", 7)
    library.close()
    assert list(tmp_path.iterdir()) == []
    library = open_library(tmp_path, url)
    assert list_folders(library) == [added]
    library.close()


def test_a_write_waits_for_another_process_only_so_long_on_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    library, url = open_in(postgres, tmp_path, lock_wait_s=0.01)
    with closing(psycopg2.connect(url)) as other:
        other.cursor().execute("SELECT pg_advisory_xact_lock(%s)", (WRITER_LOCK,))
        with pytest.raises(Busy):
            add_folder(library, "/music", 1)
        assert list_folders(library) == []
        with pytest.raises(StartupError, match="does not answer"):
            open_library(tmp_path, url, lock_wait_s=0.01)
        other.rollback()  # closing alone is heard of later
    add_folder(library, "/music", 1)
    library.close()


def test_a_connection_that_broke_is_made_anew(postgres: Postgres, tmp_path: Path) -> None:
    library, url = open_in(postgres, tmp_path)
    add_folder(library, "/music", 1)
    for ask in (list_folders, lambda library: add_folder(library, "/more", 1)):
        name = url.rpartition("/")[2].partition("?")[0]
        postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        with pytest.raises(Busy):
            ask(library)
        ask(library)
    assert [folder.name for folder in list_folders(library)] == ["music", "more"]
    library.close()


def test_a_connection_that_breaks_in_the_middle_is_busy_and_nothing_of_it_is_kept(
    postgres: Postgres, tmp_path: Path
) -> None:
    library, url = open_in(postgres, tmp_path)
    name = url.rpartition("/")[2].partition("?")[0]

    def write_while_it_breaks() -> None:
        with library.writing() as entities:
            entities.Folder(path=b"/half", added_ns=1).flush()
            postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
            entities.Folder(path=b"/other", added_ns=1).flush()

    with pytest.raises(Busy):
        write_while_it_breaks()
    assert list_folders(library) == []
    library.close()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://host/name", "has to begin with postgresql://"),
        ("/var/lib/library.db", "has to begin with postgresql://"),
        ("postgresql://127.0.0.1:1/auralis", "does not answer"),
        ("postgresql://[/", "cannot be used"),
    ],
)
def test_a_url_that_leads_to_no_database_is_refused_in_one_sentence(tmp_path: Path, url: str, sentence: str) -> None:
    with pytest.raises(StartupError, match=sentence) as caught:
        open_library(tmp_path, url)
    assert url not in str(caught.value)


def test_a_database_that_is_not_there_is_refused_in_one_sentence(postgres: Postgres, tmp_path: Path) -> None:
    with pytest.raises(StartupError, match=r"PostgreSQL|cannot be used"):
        open_library(tmp_path, postgres.url("nowhere"))


def test_a_durable_session_is_on_the_disk_when_it_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = open_library(tmp_path)
    synced: list[tuple[str, int]] = []
    really = os.fsync

    def watched(handle: int) -> None:
        with closing(sqlite3.connect(tmp_path / FILE_NAME)) as other:
            [[rows]] = other.execute("SELECT count(*) FROM setting").fetchall()
        synced.append((os.path.basename(os.readlink(f"/proc/self/fd/{handle}")), rows))
        really(handle)

    monkeypatch.setattr(os, "fsync", watched)
    with library.writing() as entities:
        entities.Setting(name="a", value="1")
    assert synced == []
    with library.writing(durable=True) as entities:
        entities.Setting(name="b", value="1")
    assert synced == [(f"{FILE_NAME}-wal", 2)]
    with pytest.raises(ZeroDivisionError), library.writing(durable=True):
        raise ZeroDivisionError
    assert len(synced) == 1
    library.close()


def test_a_durable_session_waits_for_the_disk_of_postgresql(tmp_path: Path, postgres: Postgres) -> None:
    library = open_library(tmp_path, postgres.new_database())
    with library.writing():
        assert library.db.get("SELECT current_setting('synchronous_commit')") == "off", "as the tests' server has it"
    with library.writing(durable=True):
        assert library.db.get("SELECT current_setting('synchronous_commit')") == "on"
    with library.writing():
        assert library.db.get("SELECT current_setting('synchronous_commit')") == "off"
    library.close()


def is_free(url: str) -> bool:
    try:
        with hold_database(url):
            return True
    except StartupError:
        return False


def test_one_program_holds_a_database_of_postgresql_for_as_long_as_it_works_with_it(postgres: Postgres) -> None:
    url, other = postgres.new_database(), postgres.new_database()
    with hold_database(url):
        with pytest.raises(StartupError, match="Another Auralis-Trio works with this database"), hold_database(url):
            pass
        with hold_database(other), hold_database(""), hold_database(""):
            pass
    assert any(is_free(url) for _ in range(1000))  # the server hears a moment later that a connection was closed
    with pytest.raises(StartupError, match="does not answer"), hold_database(postgres.url("gone")):
        pass


def test_a_database_whose_disk_is_full_refuses_writes_with_a_sentence_and_takes_them_again(tmp_path: Path) -> None:
    library = open_library(tmp_path)
    with library.writing():
        pages = library.db.get("SELECT page_count FROM pragma_page_count")
        library.db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(OutputError, match="make room") as refused:
        add_folder(library, "/music/" + "x" * 100_000, 1)
    assert refused.value.code == "output_failed"
    assert list_folders(library) == []
    with library.writing():
        library.db.execute("PRAGMA max_page_count = 1000000")
    add_folder(library, "/music", 1)
    assert [folder.name for folder in list_folders(library)] == ["music"]
    library.close()


@contextmanager
def no_larger_files() -> Iterator[None]:
    """A disk without room for one byte more in any file of this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_commit_that_the_disk_does_not_take_is_refused_and_closing_says_so_only_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    library = open_library(tmp_path)
    add_folder(library, "/music", 1)
    with no_larger_files():
        with pytest.raises(OutputError):
            add_folder(library, "/more", 1)
        with pytest.raises(OutputError), library.writing(durable=True):
            library.db.execute("UPDATE folder SET added_ns = 2")
        assert [folder.name for folder in list_folders(library)] == ["music"]
        library.close()
    assert [record.message for record in caplog.records] == [
        "the library's log of changes stays beside its file, which cannot be written"
    ]
    library = open_library(tmp_path)
    assert [folder.name for folder in list_folders(library)] == ["music"]
    library.close()


def test_a_database_that_may_only_be_read_refuses_writes_in_the_same_way(postgres: Postgres, tmp_path: Path) -> None:
    library, url = open_in(postgres, tmp_path / "postgresql")
    name = url.rpartition("/")[2].partition("?")[0]
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    library.db.disconnect()
    with_file = open_library(tmp_path / "sqlite")
    with with_file.writing():
        with_file.db.execute("PRAGMA query_only = ON")
    for each in (library, with_file):
        with pytest.raises(OutputError, match="may be written to"):
            add_folder(each, "/music", 1)
        assert list_folders(each) == []
        each.close()
