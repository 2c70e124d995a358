"""Many listeners at once: what they cost and how they are served, and how many one core carries."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median

from scripts.benchmarks.paced import MOST_PING_S, Side, Window, climb, watch
from scripts.benchmarks.table import Columns, figures, percentile

KIB = 1024
Row = tuple[str, Callable[[Side, Window], float | None]]


def measure_crowd(
    sides: Sequence[Side], listeners: int, windows: int, window_s: float, busy: list[Window]
) -> Iterator[Columns]:
    """So many listeners of each side, by turns; the ratio is that of the first side to the second."""
    empty = {side.name: side.program.own_bytes() - side.cached_bytes() for side in sides}
    seen: dict[str, list[Window]] = {side.name: [] for side in sides}
    for _ in range(windows):
        for side in sides:
            seen[side.name].append(watch(side, listeners, window_s))
    busy += [window for some in seen.values() for window in some]
    rows: tuple[Row, ...] = (
        ("CPU, ms per second of a listener", lambda _, window: window.cpu_ms),
        ("CPU, µs per packet", lambda side, w: None if side.packet_s is None else w.cpu_ms * side.packet_s * 1000),
        ("waiting for a CPU that others had, %", lambda _, window: window.waiting_share * 100),
        ("ping beside them, p99, ms", lambda _, w: percentile(w.ping_s, 0.99) * 1000 if w.ping_s else None),
        ("packets late, p99, ms", lambda side, w: None if side.packet_s is None else w.late_s * 1000),
        ("told to come again, while they came", lambda _, window: float(window.refusals)),
        ("underruns", lambda _, window: float(window.underruns)),
        ("least that a player had left, ms", lambda _, window: window.least_s * 1000),
        ("memory, KiB per listener", lambda side, w: (w.own_bytes - empty[side.name]) / KIB / w.listeners),
    )
    table = Columns(f"{listeners} listeners, 44.1 kHz stereo s16", [*(side.name for side in sides), "ratio"])
    for name, figure in rows:
        values = [[figure(side, window) for window in seen[side.name]] for side in sides]
        known = [[value for value in some if value is not None] for some in values]
        table.add(name, *(figures(some) if some else "" for some in known), ratio(*known[:2]))
    yield table


def measure_ceiling(sides: Sequence[Side], steps: range, window_s: float, busy: list[Window]) -> Columns:
    """The most listeners that each side served well."""
    most = []
    for side in sides:
        good = climb(side, steps, window_s)
        busy += good
        most.append([float(good[-1].listeners if good else 0)])
    heading = f"The ceiling of one core: no underrun, ping p99 < {MOST_PING_S * 1000:.0f} ms"
    table = Columns(heading, [*(side.name for side in sides), "ratio"])
    table.add(f"listeners (in steps of {steps.step}, {steps[-1]} at most)", *map(figures, most), ratio(*most[:2]))
    return table


def measure_sizes(sides: Sequence[tuple[int, Side]], listeners: int, window_s: float) -> Columns:
    """What packets of other sizes would cost a bare sender."""
    table = Columns(
        f"Sizes of packets, bare trio, {listeners} listeners", ["ms of sound", "CPU, ms per second", "late p99, ms"]
    )
    for frames, side in sides:
        window = watch(side, listeners, window_s)
        assert side.packet_s is not None
        cells = (side.packet_s * 1000, window.cpu_ms, window.late_s * 1000)
        table.add(f"{frames:,} frames", *(figures([cell]) for cell in cells))
    return table


def ratio(ours: Sequence[float], other: Sequence[float] = ()) -> str:
    """That of the medians."""
    return f"{median(ours) / median(other):.2f}" if ours and other and median(other) else ""
