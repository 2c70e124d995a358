"""The command line: serve | scan | analyze | master | demo. Errors become one line each and exit code 1."""

from auralis_trio.cli.commands import main

__all__ = ["main"]
