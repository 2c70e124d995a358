"""The commands for backups: create, list and restore."""

import os
from pathlib import Path

from auralis_trio.app import hold_data_dir
from auralis_trio.cli.options import Options
from auralis_trio.config import load_settings
from auralis_trio.library.backup import create_backup, list_backups, restore_backup
from auralis_trio.library.postgresql import hold_database


def backup(options: Options) -> int:
    """Make, list and bring back backups of the library's database."""
    settings = load_settings(
        {name: options[name] for name in ("data_dir", "database_url")}, os.environ, options["config"]
    )
    data_dir = Path(os.path.abspath(settings.data_dir))
    match options["action"]:
        case "create":
            made = create_backup(data_dir, settings.database_url, options["keep"])
            print(f"made {made.name} ({made.size_bytes} bytes), and read it back without a fault")
        case "list":
            for one in list_backups(data_dir):
                print(f"{one.name}\t{one.size_bytes}")
        case "restore":
            with hold_data_dir(data_dir), hold_database(settings.database_url):
                before = restore_backup(data_dir, settings.database_url, options["name"])
            kept = "" if before is None else f"; what was there before is {before}"
            print(f"brought back {options['name']}{kept}")
    return 0
