"""What the player keeps: texts by their names, whose meaning is the player's own."""

from collections.abc import Mapping

from pony.orm import select

from auralis_trio.library.store import Library


def get_player(library: Library) -> dict[str, str]:
    """All that was kept."""
    with library.reading() as entities:
        return dict(select((part.name, part.value) for part in entities.PlayerPart)[:])


def keep_player(library: Library, parts: Mapping[str, str]) -> None:
    """Keep these, in one transaction; others stay."""
    with library.writing() as entities:
        for name, value in parts.items():
            part = entities.PlayerPart.get(name=name)
            if part is None:
                entities.PlayerPart(name=name, value=value)
            else:
                part.set(value=value)
