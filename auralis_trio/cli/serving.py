"""The commands around the server: serve, scan, demo. Options become settings, events of the log lines."""

import json
import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import trio
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from auralis_trio.app import hold_data_dir, run_server, scan_once
from auralis_trio.cli.options import Options
from auralis_trio.config import Settings, load_settings
from auralis_trio.demo import make_demo, no_progress
from auralis_trio.library.postgresql import hold_database
from auralis_trio.work.memory import search_seldom

SWITCH_INTERVAL_S = 0.0005
"""How long a thread may hold the interpreter; with Python's 5 ms one busy thread starves the event loop."""


def serve(options: Options) -> int:
    """Serve until SIGTERM, Ctrl-C or the end of the terminal; without folders a demo library, which is made first."""
    settings = _settings(options)
    with hold_data_dir(Path(settings.data_dir)), hold_database(settings.database_url):
        if not settings.folders:
            settings = _with_demo(settings)
        ready_interpreter()
        trio.run(run_server, settings, lambda url: print(f"ready {url}", flush=True))
    return 0


def ready_interpreter() -> None:
    """What comes before the event loop: threads give way soon, and garbage is seldom looked for."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    search_seldom()


def scan(options: Options) -> int:
    """Scan folders without serving; 0 when every file was read."""
    refuse = options["refuse"]
    settings = _settings(options)
    if not settings.folders:
        refuse("name at least one folder of music")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        hold_data_dir(Path(settings.data_dir)),
        hold_database(settings.database_url),
        Progress(*columns, console=Console(stderr=True), transient=True) as bar,
    ):
        ready_interpreter()
        task = bar.add_task("looking", total=None)

        def show(kind: str, data: dict[str, Any]) -> None:
            if kind == "scan_progress":
                bar.update(task, description="reading", completed=data["done"], total=data["total"])

        progress = trio.run(scan_once, settings, show)
    print(
        f"{progress.added} added, {progress.updated} updated, {progress.moved} moved, {progress.back} back, "
        f"{progress.unchanged} unchanged, "
        f"{progress.missing} missing, {progress.failed} not readable"
    )
    if progress.state == "failed":
        print(f"auralis-trio: the scan did not come to its end: {progress.code}", file=sys.stderr)
    if progress.refused:
        print(
            f"auralis-trio: {progress.refused} folders or files could not be looked at; nothing in them was marked",
            file=sys.stderr,
        )
    for name in progress.unavailable:
        print(f"auralis-trio: {name} could not be looked at; nothing in it was marked", file=sys.stderr)
    if progress.message is not None:
        print(f"auralis-trio: {progress.message}", file=sys.stderr)
    passed_over = progress.failed or progress.refused or progress.unavailable
    return 0 if progress.state == "finished" and not passed_over else 1


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
    flags = {name: value for name, value in options.items() if name in Settings.__struct_fields__}
    settings = load_settings(flags, os.environ, options["config"])
    _log_to_stderr(settings.log_level)
    absolute = tuple(os.path.abspath(os.path.expanduser(folder)) for folder in settings.folders)
    places = {"folders": absolute, "data_dir": os.path.abspath(settings.data_dir)}
    if settings.upload_dir:
        places["upload_dir"] = os.path.abspath(os.path.expanduser(settings.upload_dir))
    return msgspec.structs.replace(settings, **places)


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
