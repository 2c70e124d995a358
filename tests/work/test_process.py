import os
import subprocess
import sys
from pathlib import Path

from auralis_trio.work.process import ProcessFigures, look_at_process


def looked(folder: Path) -> ProcessFigures:
    return look_at_process(str(folder))


ALONE = """
import os, sys, threading
from auralis_trio.work.process import look_at_process

def look():
    figures = look_at_process(sys.argv[1])
    return figures.descriptors, figures.threads

before = look()
descriptor, go_on = os.open(sys.argv[1], os.O_RDONLY), threading.Event()
thread = threading.Thread(target=go_on.wait)
thread.start()
held = look()
go_on.set()
thread.join()
os.close(descriptor)
while look()[1] > before[1]:  # the kernel's part of a thread ends a little later
    pass
print(*before, *held, *look())
"""


def test_what_is_opened_and_begun_is_counted_and_what_is_closed_and_ended_is_not(tmp_path: Path) -> None:
    # In a process of its own: in this one, threads of other tests may end at any moment.
    command = [sys.executable, "-c", ALONE, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    descriptors, threads, *later = map(int, said.split())
    assert later == [descriptors + 1, threads + 1, descriptors, threads]


def test_memory_that_is_touched_is_resident(tmp_path: Path) -> None:
    before = looked(tmp_path).resident_bytes
    touched = bytearray(os.urandom(64 * 1024)) * 1024
    after = looked(tmp_path).resident_bytes
    assert before is not None
    assert after is not None
    assert after - before > len(touched) // 2


def test_drafts_and_half_decoded_samples_are_temporary_and_what_is_finished_is_not(tmp_path: Path) -> None:
    before = looked(tmp_path).temporary_bytes  # of whatever else this process has open
    (tmp_path / "chunks").mkdir()
    (tmp_path / "chunks" / "whole.cached").write_bytes(bytes(1000))
    (tmp_path / "pcm").mkdir()
    (tmp_path / "pcm" / "whole.pcm").write_bytes(bytes(1000))
    (tmp_path / "pcm" / "whole.record").write_bytes(bytes(100))
    assert looked(tmp_path).temporary_bytes == before
    (tmp_path / "chunks" / ".0123456789abcdef").write_bytes(bytes(1))
    (tmp_path / "pcm" / "half.pcm").write_bytes(bytes(20))
    (tmp_path / "pcm" / "half.draft").write_bytes(bytes(300))
    assert looked(tmp_path).temporary_bytes == before + 321


def test_a_file_without_a_name_is_temporary_as_long_as_it_is_open(tmp_path: Path) -> None:
    before = looked(tmp_path).temporary_bytes
    with open(tmp_path / "file", "wb") as file:
        file.write(bytes(5000))
        file.flush()
        os.unlink(file.name)
        assert looked(tmp_path).temporary_bytes == before + 5000
    assert looked(tmp_path).temporary_bytes == before
