"""python -m auralis_trio."""

import sys

from auralis_trio.cli import main

if __name__ == "__main__":
    sys.exit(main())
