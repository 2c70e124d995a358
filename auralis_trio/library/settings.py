"""The listeners' settings as they are kept: names and JSON values, whose meaning is their owner's."""

from collections.abc import Mapping
from typing import Any

import msgspec
from pony.orm import select

from auralis_trio.library.store import Library


def get_settings(library: Library) -> dict[str, Any]:
    """All that was kept."""
    with library.reading() as entities:
        rows = select((row.name, row.value) for row in entities.Setting)[:]
    return {name: msgspec.json.decode(value) for name, value in rows}


def keep_settings(library: Library, values: Mapping[str, Any]) -> None:
    """Keep these values, in one transaction; others stay."""
    with library.writing() as entities:
        for name, value in values.items():
            text = msgspec.json.encode(value).decode()
            row = entities.Setting.get(name=name)
            if row is None:
                entities.Setting(name=name, value=text)
            else:
                row.set(value=text)
