"""What all commands share: their options as the parser leaves them, and how an error is told."""

from typing import Any

from auralis_trio.errors import AuralisError

Options = dict[str, Any]
"""The values of a command's arguments by name; each command takes out what is its own."""


def line_of(error: AuralisError) -> str:
    """An error as one line; its notes say which file it is about."""
    return ": ".join(("auralis-trio", *getattr(error, "__notes__", ()), str(error)))
