"""What a step of the chain of migrations is."""

from dataclasses import dataclass

from auralis_trio.library.dialect import Statement


@dataclass(frozen=True)
class Migration:
    """One step, in SQLite's words or in those of each database; steps are never changed once they were released."""

    version: int
    statements: tuple[Statement, ...]
