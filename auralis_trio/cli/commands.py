"""Which commands there are and what they take; what they raise becomes one line each and an exit code."""

import argparse
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import TypeVar, get_args

import msgspec

from auralis_trio import __version__
from auralis_trio.cli.backups import backup
from auralis_trio.cli.offline import analyze, master
from auralis_trio.cli.options import Options, line_of
from auralis_trio.cli.serving import demo, scan, serve
from auralis_trio.config import Settings, descriptions, flag_of, is_list
from auralis_trio.errors import AuralisError, OutputError
from auralis_trio.library.backup import KEEP, MAX_KEEP
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.wire.wishes import SampleRate
from auralis_trio.work.memory import keep_freed_memory

T = TypeVar("T", int, float)
E = TypeVar("E", bound=BaseException)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command: 0 when it did all that was asked, 1 when not, 2 for wrong arguments."""
    code = 1
    keep_freed_memory()
    try:
        with _printed():
            options: Options = vars(_parser().parse_args(arguments))
            command: Callable[[Options], int] = options.pop("command")
            code = command(options)
    except* AuralisError as group:
        code = 1
        for error in _leaves(group):
            print(line_of(error), file=sys.stderr)
    except* KeyboardInterrupt as group:
        code = 128 + next((number for error in _leaves(group) for number in error.args), signal.SIGINT)
    return code


@contextmanager
def _printed() -> Iterator[None]:
    """What the body prints has been taken when it is left: also help, which ends the program.

    Raises:
        OutputError: it was not. Then the interpreter must not try to print the rest.
        SystemExit: whoever reads has seen enough.
    """
    try:
        try:
            yield
        finally:
            print(end="", flush=True)
    except BrokenPipeError:
        sys.stdout = None
        raise SystemExit(1) from None
    except OSError as error:
        if error.filename is not None:  # not what is printed to
            raise
        sys.stdout = None
        raise OutputError(f"What was to be told could not be written: {error.strerror}.") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="auralis-trio", description="A music server that masters a library while it streams."
    )
    parser.add_argument("--version", action="version", version=f"auralis-trio {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (serve, scan):
        _add_settings(_add(commands, command))
    one = _add(commands, analyze)
    one.add_argument("files", nargs="+", metavar="FILE")
    one.add_argument("--json", action="store_true", help="print a list of objects instead of tables")
    _add_mastering(_add(commands, master))
    _add(commands, demo).add_argument("folder", metavar="FOLDER")
    _add_backups(_add(commands, backup))
    return parser


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", command: Callable[[Options], int]
) -> argparse.ArgumentParser:
    """A parser for a command, named and explained as the function is."""
    one = commands.add_parser(command.__name__, help=command.__doc__, description=command.__doc__)
    one.set_defaults(command=command, refuse=one.error)
    return one


def _add_mastering(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="IN")
    parser.add_argument("into", metavar="OUT", help="a .wav or .flac file")
    parser.add_argument("--preset", choices=list(PRESETS), help="(default: adaptive)")
    add = partial(parser.add_argument, metavar="NUMBER")
    add("--intensity", type=_within(0.0, 1.0, float), default=1.0, help="0 to 1 (default: 1)")
    add(
        "--offset-lu",
        type=_within(-10.0, 6.0, float),
        default=0.0,
        help="so much louder than the preset (default: 0)",
    )
    add("--ceiling-dbtp", type=_within(-6.0, -0.5, float), default=-1.0, help="the highest true peak (default: -1)")
    parser.add_argument("--reference", metavar="FILE", help="match this track instead of a preset's sound")
    parser.add_argument("--album", action="store_true", help="IN and OUT are folders; all audio files get one recipe")
    parser.add_argument("--bits", choices=["16", "24", "32", "float"], default="24", help="(default: %(default)s)")
    rates = sorted(get_args(SampleRate))
    parser.add_argument("--sample-rate", type=int, choices=rates, metavar="HZ", help="resample to this rate first")
    parser.add_argument("--receipt", metavar="FILE.json", help="write down what was done to each file")


def _add_backups(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(required=True, metavar="ACTION", dest="action")
    create = actions.add_parser("create", help="make a backup while the server runs or not")
    create.add_argument(
        "--keep",
        type=_within(1, MAX_KEEP, int),
        default=KEEP,
        metavar="N",
        help=f"remove all but the last N (default: {KEEP})",
    )
    restore = actions.add_parser("restore", help="bring one back; the server must not run")
    restore.add_argument("name", metavar="NAME")
    helps = descriptions()
    for one in (create, restore, actions.add_parser("list", help="name all, the newest first")):
        one.add_argument("--config", metavar="FILE", help="a TOML file with settings (AURALIS_CONFIG)")
        for name in ("data_dir", "database_url"):
            one.add_argument(flag_of(name), dest=name, default=None, metavar="VALUE", help=helps[name])


def _within(low: T, high: T, kind: Callable[[str], T]) -> Callable[[str], T]:
    """Reads a number that lies between these two."""

    def number(text: str) -> T:
        with suppress(ValueError, OverflowError):
            if low <= (value := kind(text)) <= high:
                return value
        raise argparse.ArgumentTypeError(f"{text!r} is no number from {low:g} to {high:g}")

    return number


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


def _leaves(group: BaseExceptionGroup[E]) -> list[E]:
    found: list[E] = []
    for error in group.exceptions:
        found.extend(_leaves(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found
