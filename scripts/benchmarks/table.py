"""Rows of medians, ranges and ratios, as plain text."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

WIDTHS = (56, 26, 26, 7)


@dataclass
class Table:
    """Rows under a heading, each with our figures and those to compare them with."""

    heading: str
    other: str
    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, name: str, ours: Sequence[float], other: Sequence[float] | None = None) -> None:
        """Put in a row; the ratio is that of the medians."""
        ratio = f"{median(ours) / median(other):.2f}" if other and median(other) else ""
        self.rows.append((name, _figures(ours), _figures(other) if other else "", ratio))

    def __str__(self) -> str:
        lines = [(self.heading, "ours", self.other, "ratio"), *self.rows]
        return "\n".join(_line(cells) for cells in lines)


def _line(cells: Sequence[str]) -> str:
    name, *rest = (cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    return (name + "".join(rest)).rstrip()


def _figures(values: Sequence[float]) -> str:
    middle = _figure(median(values))
    return middle if len(values) == 1 else f"{middle} ({_figure(min(values))} - {_figure(max(values))})"


def _figure(value: float) -> str:
    if abs(value) < 1:
        return f"{value:.2f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
