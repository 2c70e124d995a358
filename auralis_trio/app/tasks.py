"""Which tasks live at this moment."""

import re
from collections import Counter

import trio

_NUMBER = re.compile(r" [0-9a-f]+$")


def count_tasks() -> dict[str, int]:
    """How many there are of each kind: by their names, without the number or id at the end."""
    found: Counter[str] = Counter()
    root = trio.lowlevel.current_root_task()
    waiting = [] if root is None else [root]
    while waiting:
        task = waiting.pop()
        found[_NUMBER.sub("", task.name).removeprefix("auralis_trio.")] += 1
        for nursery in task.child_nurseries:
            waiting += nursery.child_tasks
    return dict(found)
