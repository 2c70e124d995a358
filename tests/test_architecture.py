"""The house rules that can be counted: where tasks begin, how large things are, what is never done."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).parent.parent / "auralis_trio"
MODULES = {str(path.relative_to(HOUSE)): path for path in sorted(HOUSE.rglob("*.py"))}

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 5
NURSERIES = {
    "app/server.py": 1,  # the server beside the wait for its end
    "app/services.py": 1,  # the services
    "jobs/scan_run.py": 1,  # one scan
    "stream/pipeline.py": 1,  # one stream
    "stream/session.py": 1,  # one client
    "web/transport/server.py": 2,  # the connections; the tasks of one connection
}
STARTERS = {
    "Thread", "threading.Thread", "ThreadPoolExecutor", "ProcessPoolExecutor", "subprocess.run", "subprocess.Popen",
    "trio.to_thread.run_sync", "trio_parallel.run_sync", "os.fork", "os.system",
}  # fmt: skip
READS_OR_WRITES = {"read_bytes", "read_text", "write_bytes", "write_text"}
GUARDS = {"open_own", "O_NONBLOCK", "O_DIRECTORY", "O_EXCL", "'xb'"}
OPENERS = {
    "config.py",  # the operator's own file
    "demo/folder.py",  # the music that is made here
    "library/beside.py",  # which has the same flags
    "web/page.py",  # what the program came with
    "work/process.py",  # what the system tells of this process
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def source(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(source(path), str(path))))


def calls(path: Path, *names: str) -> list[int]:
    """The lines where one of these, as `trio.run`, is called."""
    return [node.lineno for node in nodes(path) if isinstance(node, ast.Call) and ast.unparse(node.func) in names]


def functions(path: Path) -> Iterator[Function]:
    return (node for node in nodes(path) if isinstance(node, Function))


def lines_of(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def everywhere(find: Callable[[Path], object]) -> dict[str, object]:
    """What is found in each module, without those where it is nothing."""
    found = {name: find(path) for name, path in MODULES.items()}
    return {name: what for name, what in found.items() if what}


def test_nurseries_are_few_and_known() -> None:
    assert everywhere(lambda path: len(calls(path, "trio.open_nursery", "open_nursery"))) == NURSERIES


def test_the_loop_is_started_by_the_command_line_alone() -> None:
    assert set(everywhere(lambda path: calls(path, "trio.run"))) == {"cli/serving.py"}


def test_only_the_door_starts_threads_and_processes() -> None:
    # PostgreSQL's own programs copy its databases, for a command that has no loop.
    assert set(everywhere(lambda path: calls(path, *STARTERS))) <= {"offload.py", "library/postgresql_backup.py"}


def test_files_are_opened_where_it_is_made_sure_that_nothing_waits_for_a_fifo() -> None:
    def unguarded(path: Path) -> list[int]:
        return [
            node.lineno
            for node in nodes(path)
            if isinstance(node, ast.Call)
            and (
                ast.unparse(node.func) in {"open", "os.open"}
                or (isinstance(node.func, ast.Attribute) and node.func.attr in READS_OR_WRITES)
            )
            and not any(guard in ast.unparse(node) for guard in GUARDS)
        ]

    assert set(everywhere(unguarded)) == OPENERS


def test_every_module_says_what_it_is_for() -> None:
    assert everywhere(lambda path: not ast.get_docstring(ast.parse(source(path)))) == {}


def test_every_module_is_of_a_size_to_be_read() -> None:
    assert everywhere(lambda path: len(source(path).splitlines()) > MAX_MODULE_LINES) == {}


def test_every_function_is_of_a_size_to_be_read() -> None:
    def too_long(path: Path) -> list[str]:
        # Classes that are declared inside a function are no steps of it.
        return [
            node.name
            for node in functions(path)
            if lines_of(node) - sum(lines_of(inner) for inner in node.body if isinstance(inner, ast.ClassDef))
            > MAX_FUNCTION_LINES
        ]

    assert everywhere(too_long) == {}


def test_constructors_take_few_parameters() -> None:
    def greedy(path: Path) -> list[int]:
        return [
            node.lineno
            for node in functions(path)
            if node.name == "__init__"
            and len(node.args.posonlyargs + node.args.args + node.args.kwonlyargs) - 1 > MAX_PARAMETERS
        ]

    assert everywhere(greedy) == {}


def test_nothing_is_global() -> None:
    assert everywhere(lambda path: [node.lineno for node in nodes(path) if isinstance(node, ast.Global)]) == {}


def test_imports_stand_at_the_top() -> None:
    def inside(path: Path) -> list[int]:
        return [
            node.lineno
            for function in functions(path)
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ] + calls(path, "__import__", "importlib.import_module")

    assert everywhere(inside) == {}


def test_a_broad_except_stands_only_at_a_marked_border() -> None:
    """Elsewhere what is caught has a name, unless it is only passed on. A border says so, or its function does."""

    def unmarked(path: Path) -> list[int]:
        lines, found = source(path).splitlines(), []
        starts = [(function.lineno, function.end_lineno or 0) for function in functions(path)]
        for node in nodes(path):
            if not isinstance(node, ast.ExceptHandler):
                continue
            caught = "Exception" if node.type is None else ast.unparse(node.type)
            passed_on = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if passed_on or not re.search(r"\b(Base)?Exception\b", caught):
                continue
            first = max((start for start, end in starts if start <= node.lineno <= end), default=1)
            if "border" not in " ".join(lines[first - 1 : node.body[0].lineno]):
                found.append(node.lineno)
        return found

    assert everywhere(unmarked) == {}


def test_only_the_encoder_writes_wav_headers() -> None:
    def tags(path: Path) -> bool:
        return any(
            isinstance(node, ast.Constant) and node.value in ("RIFF", b"RIFF", b"RF64") for node in nodes(path)
        )

    # The decoder has to know them in order to read them.
    assert {name for name in everywhere(tags) if not name.startswith("decoder/")} == {"encoder/wav.py"}


def test_the_path_of_imports_is_left_alone() -> None:
    watched = {"sys.path", "sys.meta_path", "sys.path_hooks", "sys.modules"}

    def touched(path: Path) -> list[int]:
        return [
            node.lineno for node in nodes(path) if isinstance(node, ast.Attribute) and ast.unparse(node) in watched
        ]

    assert everywhere(touched) == {}


def test_nothing_sleeps_in_a_thread_or_runs_on_another_loop() -> None:
    def foreign(path: Path) -> list[int]:
        modules = [
            (node.lineno, [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module])
            for node in nodes(path)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        return [line for line, names in modules if {"asyncio", "anyio"} & set(names)] + calls(path, "time.sleep")

    assert everywhere(foreign) == {}


def test_when_a_file_was_written_is_asked_in_one_place() -> None:
    def asked(path: Path) -> list[int]:
        return [node.lineno for node in nodes(path) if isinstance(node, ast.Attribute) and node.attr == "st_mtime_ns"]

    # Disks have times that no database keeps.
    assert set(everywhere(asked)) == {"audio/units.py"}
