"""Every setting, once: its name gives the flag, the AURALIS_* variable and the TOML key.

Flags win over the environment, the environment over the file, the file over the defaults. Units are in the names.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from auralis_trio.errors import StartupError
from auralis_trio.fitting import misfit

GIB = 1024**3
MIB = 1024**2

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=1, le=1_000_000)]
Bytes = Annotated[int, Meta(ge=0)]
Place = Annotated[str, Meta(min_length=1)]
"""A folder; no name at all would be wherever the command happens to be run."""


def default_data_dir() -> str:
    """Where everything that the server owns lives: the XDG data directory."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.join(os.path.expanduser("~"), ".local", "share")
    return os.path.join(base, "auralis-trio")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator can choose. Read by `load_settings`; handed on as it is, never changed."""

    folders: Annotated[tuple[Place, ...], Meta(description="folders of music")] = ()
    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535, description="port to listen on; 0 picks a free one")] = 8765
    allow_remote: Annotated[
        bool, Meta(description="allow an address that others can reach: there are no users yet")
    ] = False
    allow_host: Annotated[
        tuple[str, ...], Meta(description="further host names (name or name:port) under which this server is reached")
    ] = ()
    data_dir: Annotated[
        Place, Meta(description="where everything it owns lives (default: the XDG data directory)")
    ] = msgspec.field(default_factory=default_data_dir)
    database_url: Annotated[
        str,
        Meta(
            description="a PostgreSQL database, postgresql://user@host/name (default: SQLite in the data directory)"
        ),
    ] = ""
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="debug, info, warning or error; logs go to stderr"),
    ] = "info"
    scan_at_start: Annotated[bool, Meta(description="scan the folders at every start")] = True
    analyse_in_background: Annotated[
        bool, Meta(description="analyse tracks that nobody has asked for yet, unless a listener turns that off")
    ] = True
    watch: Annotated[bool, Meta(description="scan a folder when something in it changes")] = True
    scan_interval_s: Annotated[Seconds, Meta(description="scan the folders each time so long has passed")] = 86_400.0
    allow_tag_edits: Annotated[bool, Meta(description="let clients change the tags in the files of music")] = False

    upload_dir: Annotated[
        str, Meta(description="a folder within those of music to which clients may upload files; none: no uploads")
    ] = ""

    stall_timeout_s: Annotated[Seconds, Meta(description="a client that takes nothing for so long is cut")] = 20.0
    graceful_timeout_s: Annotated[Seconds, Meta(description="how long connections may take to end at shutdown")] = 3.0
    keep_alive_s: Annotated[Seconds, Meta(description="how long an idle HTTP connection stays open")] = 15.0
    header_timeout_s: Annotated[Seconds, Meta(description="how long the head of a request may take")] = 10.0
    body_timeout_s: Annotated[Seconds, Meta(description="how long a request body may pause")] = 20.0
    ping_interval_s: Annotated[Seconds, Meta(description="how often a WebSocket is pinged")] = 20.0
    ping_timeout_s: Annotated[Seconds, Meta(description="how long a WebSocket may leave a ping unanswered")] = 20.0
    read_deadline_s: Annotated[Seconds, Meta(description="how long a disk may take to give one chunk")] = 20.0
    query_deadline_s: Annotated[Seconds, Meta(description="how long the database may take for one answer")] = 10.0
    decode_patience_s: Annotated[
        Seconds, Meta(description="how long one request may decode ahead in a file that cannot be sought exactly")
    ] = 10.0
    analysis_deadline_s: Annotated[
        Seconds, Meta(description="how long a request for mastered sound waits until the track is analysed")
    ] = 10.0
    pace_ahead_s: Annotated[
        Seconds, Meta(description="how far ahead of real time a client without credit is sent")
    ] = 3.0

    max_connections: Annotated[Count, Meta(description="open connections")] = 4096
    max_sessions: Annotated[Count, Meta(description="WebSocket clients")] = 2048
    max_streams: Annotated[
        Count, Meta(description="listeners at once, by WebSocket or with whole tracks by HTTP")
    ] = 1024
    max_streams_per_client: Annotated[Count, Meta(description="the same from one address")] = 256
    max_requests_per_s: Annotated[Count, Meta(description="HTTP requests from one address; more get 429")] = 1000
    max_message_bytes: Annotated[
        Annotated[int, Meta(ge=1024, le=16 * MIB)], Meta(description="size of one WebSocket message from a client")
    ] = 65_536
    max_messages_per_s: Annotated[
        Count, Meta(description="WebSocket messages from one client, and as many pings; more end its session")
    ] = 100
    max_body_bytes: Annotated[Bytes, Meta(description="size of one HTTP request body")] = MIB
    max_artwork_bytes: Annotated[Bytes, Meta(description="size of one picture that is sent")] = 10 * MIB
    max_upload_bytes: Annotated[Bytes, Meta(description="size of one uploaded file")] = 500 * MIB
    artwork_cache_bytes: Annotated[Bytes, Meta(description="disk for pictures made small")] = 512 * MIB
    chunk_cache_bytes: Annotated[Bytes, Meta(description="memory for rendered chunks")] = 256 * MIB
    chunk_disk_bytes: Annotated[
        Bytes, Meta(description="disk for rendered chunks that are dearer to make than to read; 0: none")
    ] = 4 * GIB
    prefetch_chunks: Annotated[
        Annotated[int, Meta(ge=0, le=1_000_000)],
        Meta(description="chunks rendered at once before they are asked for"),
    ] = 2
    undo_bytes: Annotated[Bytes, Meta(description="disk for what undoing edits of tags needs")] = GIB
    pcm_cache_bytes: Annotated[Bytes, Meta(description="disk for decoded files that cannot be sought exactly")] = (
        4 * GIB
    )
    ledger_cache_bytes: Annotated[Bytes, Meta(description="disk for what the analysis notes of each moment")] = GIB


def load_settings(
    flags: Mapping[str, Any], environment: Mapping[str, str], config_file: str | None = None
) -> Settings:
    """Put the settings together.

    Raises:
        StartupError: a file cannot be read, or a name or value is not one that can be used.
    """
    from_file = _read_file(config_file or environment.get("AURALIS_CONFIG"))
    from_environment = {
        name: _split(name, environment[variable])
        for name, variable in ((name, variable_of(name)) for name in Settings.__struct_fields__)
        if variable in environment
    }
    # A list that was not given on the command line is an empty one.
    given = {name: value for name, value in flags.items() if value is not None and value != []}
    try:
        return msgspec.convert({**from_file, **from_environment, **given}, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise StartupError(f"A setting cannot be used: {misfit(error, Settings)}") from None


def variable_of(name: str) -> str:
    """The environment variable of a setting."""
    return f"AURALIS_{name.upper()}"


def flag_of(name: str) -> str:
    """The command-line flag of a setting."""
    return f"--{name.replace('_', '-')}"


def is_list(name: str) -> bool:
    """Whether a setting takes several values."""
    return name in {"folders", "allow_host"}


def descriptions() -> dict[str, str]:
    """The line that explains each setting, by its name."""
    properties = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    return {name: property_["description"] for name, property_ in properties.items()}


def _split(name: str, value: str) -> Any:
    if not is_list(name):
        return value
    # Folders as in PATH; hosts behind commas, since a colon stands before a port.
    parts = value.split(os.pathsep) if name == "folders" else value.replace(" ", "").split(",")
    return tuple(part for part in parts if part)


def _read_file(path: str | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError:
        raise StartupError("The configuration file cannot be read. Check its name and its permissions.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise StartupError(f"The configuration file is not valid TOML: {error}") from None
