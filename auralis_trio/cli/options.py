"""What all commands share: their options as the parser leaves them."""

from typing import Any

Options = dict[str, Any]
"""The values of a command's arguments by name; each command takes out what is its own."""
