"""The command line: serve | scan | demo. Arguments become settings; errors become one line and exit code 1."""

import argparse
import gc
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from auralis_trio import __version__
from auralis_trio.app import hold_data_dir, run_server, scan_once
from auralis_trio.config import Settings, descriptions, flag_of, is_list, load_settings
from auralis_trio.demo import make_demo, no_progress
from auralis_trio.errors import AuralisError

SWITCH_INTERVAL_S = 0.0005
"""How long a thread may hold the interpreter; with Python's 5 ms one busy thread starves the event loop."""

Options = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: 0 when it did all that was asked, 1 when not, 2 for wrong arguments."""
    options: Options = vars(_parser().parse_args(arguments))
    command: Callable[[Options], int] = options.pop("command")
    code = 1
    try:
        code = command(options)
    except* AuralisError as group:
        for error in _leaves(group):
            print(f"auralis-trio: {error}", file=sys.stderr)
    except* KeyboardInterrupt:
        code = 130
    return code


def serve(options: Options) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    settings = _settings(options)
    with hold_data_dir(Path(settings.data_dir)):
        if not settings.folders:
            settings = _with_demo(settings)
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        gc.freeze()
        trio.run(run_server, settings, lambda url: print(f"ready {url}", flush=True))
    return 0


def scan(options: Options) -> int:
    """Scan folders without serving; 0 when every file was read."""
    settings = _settings(options)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        hold_data_dir(Path(settings.data_dir)),
        Progress(*columns, console=Console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task("looking", total=None)

        def show(kind: str, data: dict[str, Any]) -> None:
            if kind == "scan_progress":
                bar.update(task, description="reading", completed=data["done"], total=data["total"])

        progress = trio.run(scan_once, settings, show)
    print(
        f"{progress.added} added, {progress.updated} updated, {progress.unchanged} unchanged, "
        f"{progress.missing} missing, {progress.failed} not readable"
    )
    for name in progress.unavailable:
        print(f"auralis-trio: {name} could not be looked at; nothing in it was marked", file=sys.stderr)
    return 0 if progress.state == "finished" and not progress.failed and not progress.unavailable else 1


def demo(options: Options) -> int:
    """Make the demo library in a folder."""
    for path in make_demo(options["folder"], progress=_tell_piece):
        print(path)
    return 0


def _with_demo(settings: Settings) -> Settings:
    """Settings whose one folder is a demo library, made now if it is not there yet."""
    folder = os.path.join(settings.data_dir, "demo")
    if not os.path.isdir(folder):
        print("No folders were given: making a demo library, which takes a few seconds.", file=sys.stderr)
    make_demo(folder, progress=_tell_piece if sys.stderr.isatty() else no_progress)
    return msgspec.structs.replace(settings, folders=(folder,))


def _tell_piece(done: int, total: int, title: str) -> None:
    print(f"{done}/{total} {title}", file=sys.stderr)


def _settings(options: Options) -> Settings:
    settings = load_settings(options, os.environ, options.pop("config"))
    _log_to_stderr(settings.log_level)
    absolute = tuple(os.path.abspath(os.path.expanduser(folder)) for folder in settings.folders)
    return msgspec.structs.replace(settings, folders=absolute, data_dir=os.path.abspath(settings.data_dir))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="auralis-trio", description="A music server that masters a library while it streams."
    )
    parser.add_argument("--version", action="version", version=f"auralis-trio {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (serve, scan):
        one = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__)
        one.set_defaults(command=command)
        _add_settings(one)
    one = commands.add_parser("demo", help=demo.__doc__, description=demo.__doc__)
    one.set_defaults(command=demo)
    one.add_argument("folder", metavar="FOLDER")
    return parser


def _add_settings(parser: argparse.ArgumentParser) -> None:
    """A flag for every setting; the folders stand without one."""
    parser.add_argument("--config", metavar="FILE", help="a TOML file with settings (AURALIS_CONFIG)")
    helps, defaults = descriptions(), msgspec.structs.asdict(Settings())
    parser.add_argument("folders", nargs="*", metavar="FOLDER", default=None, help=helps["folders"])
    for name in Settings.__struct_fields__:
        if name == "folders":
            continue
        add = partial(parser.add_argument, flag_of(name), dest=name, default=None, help=helps[name])
        if isinstance(defaults[name], bool):
            add(action=argparse.BooleanOptionalAction)
        elif is_list(name):
            add(action="append", metavar="VALUE")
        else:
            add(metavar="VALUE")


class _LogLine(logging.Formatter):
    """`time level=... logger=... msg="..."`, one line an event; a trace is a field like any other."""

    def format(self, record: logging.LogRecord) -> str:
        """The event as one line."""
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        fields = {"level": record.levelname.lower(), "logger": record.name, "msg": record.getMessage()}
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        values = " ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in fields.items())
        return f"{stamp}.{int(record.msecs):03d}Z {values}"


def _log_to_stderr(level: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LogLine())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _leaves(group: BaseExceptionGroup[AuralisError]) -> list[AuralisError]:
    found: list[AuralisError] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
