import trio
from trio.testing import wait_all_tasks_blocked

from auralis_trio.jobs.pending import PendingFiles

BATCH = 2


class Table:
    """Stands for the table of pending files."""

    def __init__(self) -> None:
        self.paths: list[str] = []

    async def page(self, after_id: int, limit: int) -> tuple[list[str], int]:
        await trio.lowlevel.checkpoint()
        paths = self.paths[after_id : after_id + limit]
        return paths, after_id + len(paths)


async def take_all(pending: PendingFiles, taken: list[list[str]]) -> None:
    while paths := await pending.take():
        taken.append(paths)


async def test_where_tracks_were_known_nothing_is_taken_before_the_walk_has_ended() -> None:
    table, taken = Table(), list[list[str]]()
    pending = PendingFiles(table.page, BATCH, is_first=False)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_all, pending, taken)
        table.paths += ["a", "b", "c"]
        pending.grow()
        await wait_all_tasks_blocked()
        assert taken == []
        pending.end()
    assert taken == [["a", "b"], ["c"]]


async def test_in_a_first_scan_files_are_taken_as_there_are_more_of_them() -> None:
    table, taken = Table(), list[list[str]]()
    pending = PendingFiles(table.page, BATCH, is_first=True)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(take_all, pending, taken)
        table.paths += ["a", "b"]
        await wait_all_tasks_blocked()
        assert taken == []
        pending.grow()
        await wait_all_tasks_blocked()
        assert taken == [["a", "b"]]
        table.paths += ["c", "d", "e"]
        pending.grow()
        await wait_all_tasks_blocked()
        assert taken == [["a", "b"], ["c", "d"], ["e"]]
        table.paths.append("f")
        pending.end()
    assert taken[-1] == ["f"]


async def test_of_several_tasks_each_file_is_taken_by_one_whenever_it_is_found() -> None:
    table, taken = Table(), list[list[str]]()
    pending = PendingFiles(table.page, BATCH, is_first=True)
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(take_all, pending, taken)
        for number in range(50):
            table.paths.append(str(number))
            pending.grow()
            await trio.lowlevel.checkpoint()
        pending.end()
    assert sorted(int(path) for paths in taken for path in paths) == list(range(50))
    assert max(map(len, taken)) <= BATCH
