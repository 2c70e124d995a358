"""What the listener wants left out: folders with `.nomedia`, and what `.auralisignore` names.

A `.nomedia` file leaves out its folder and all below. The lines of `.auralisignore` are those of a `.gitignore`: they
hold for its folder and below, a later line wins over an earlier one, and a deeper file over a higher one.
"""

import os
import re
from dataclasses import dataclass

from pathspec import GitIgnoreSpec

from auralis_trio.library.beside import read_beside

IGNORE_FILE = ".auralisignore"
NO_MEDIA_FILE = ".nomedia"
MAX_IGNORE_BYTES = 65_536
MAX_LINES = 1000
MAX_STARS = 4  # each may multiply the time that a name takes


@dataclass(frozen=True)
class Rules:
    """The patterns that hold in one folder: its own, and those of the folders above."""

    folder: str
    spec: GitIgnoreSpec
    above: "Rules | None"

    def ignores(self, path: str, is_folder: bool) -> bool:
        """Whether something in the folder, or below, is to be left out."""
        rules: Rules | None = self
        while rules is not None:
            name = path[len(rules.folder) :].lstrip("/") + ("/" if is_folder else "")
            said = rules.spec.check_file(name).include
            if said is not None:
                return said
            rules = rules.above
        return False


def rules_in(folder: str, above: Rules | None) -> Rules | None:
    """The rules that hold in `folder`, with those from `above`.

    Raises:
        OSError: the folder's own ones cannot be read, so nobody knows what is to be left out.
    """
    data = read_beside(os.path.join(folder, IGNORE_FILE), MAX_IGNORE_BYTES, links=True)
    if data is None:
        return above
    patterns = [line for line in data.decode("utf-8-sig", "replace").splitlines()[:MAX_LINES] if _is_usable(line)]
    return Rules(folder, GitIgnoreSpec.from_lines(patterns), above) if patterns else above


def has_no_media(folder: str) -> bool:
    """Whether everything in a folder is to be left out."""
    return os.path.lexists(os.path.join(folder, NO_MEDIA_FILE))


def _is_usable(line: str) -> bool:
    if not line.strip() or line.startswith("#") or line.count("*") > MAX_STARS:
        return False
    try:
        GitIgnoreSpec.from_lines([line])
    except (ValueError, re.error):  # a line that means nothing, such as a lone slash
        return False
    return True
