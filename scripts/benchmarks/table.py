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
        self.rows.append((name, figures(ours), figures(other) if other else "", ratio))

    def __str__(self) -> str:
        lines = [(self.heading, "ours", self.other, "ratio"), *self.rows]
        return "\n".join(_line(cells) for cells in lines)


@dataclass
class Columns:
    """Rows of texts under named columns; what stands in a column is as wide as its widest."""

    heading: str
    names: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)

    def add(self, name: str, *cells: str) -> None:
        """Put in a row, with a cell for each column."""
        self.rows.append((name, *cells))

    def __str__(self) -> str:
        lines = [(self.heading, *self.names), *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
        return "\n".join(
            "  ".join(
                [line[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(line[1:], widths[1:], strict=True))]
            )
            for line in lines
        )


def _line(cells: Sequence[str]) -> str:
    name, *rest = (cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    return (name + "".join(rest)).rstrip()


def figures(values: Sequence[float]) -> str:
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
