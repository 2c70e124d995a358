"""Who may talk to this server: decided from the head of each request and WebSocket, before anything else.

A server on loopback can be reached by every page that the listener's browser has open. So the Host must be ours
(which stops names that were bent to point here), a page's Origin must be ours, and what a browser marks as coming
from another site is refused unless it only opens the page. A request without Origin and without those marks comes
from a program, not from a page, and passes. State changes take JSON, a picture, a playlist or a file of music, which
no foreign form can send.
"""

import ipaddress
from collections.abc import Mapping, Set
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from auralis_trio.errors import AuralisError, Forbidden
from auralis_trio.library.m3u import MEDIA_TYPES as M3U_TYPES
from auralis_trio.work.thumbnails import MEDIA_TYPES

PICTURE_TYPES = frozenset(MEDIA_TYPES.values())

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

PAGE_HEADERS: tuple[tuple[str, str], ...] = (
    (
        "Content-Security-Policy",
        "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; script-src 'self';"
        " object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
)


class FromElsewhere(Forbidden):
    """The page that asks is not ours."""

    default_code = "origin_not_allowed"
    text = "Pages from elsewhere may not use this server. Start it with --allow-host to allow those of a host."


class JsonRequired(AuralisError):
    """A state change that is not JSON."""

    status = 415
    default_code = "json_required"
    text = "Send the request with the header Content-Type: application/json."


class PlaylistRequired(AuralisError):
    """What should be a playlist is neither its file nor JSON."""

    status = 415
    default_code = "playlist_required"
    text = f"Send the playlist's file with its Content-Type: {', '.join(sorted(M3U_TYPES))}; or send JSON."


class PictureRequired(AuralisError):
    """What should be a picture is something else, or of a kind that cannot be shown."""

    status = 415
    default_code = "picture_required"
    text = f"Send a picture with its own Content-Type: {', '.join(sorted(PICTURE_TYPES))}."


class AudioRequired(AuralisError):
    """What should be a file of music is something else."""

    status = 415
    default_code = "audio_required"
    text = (
        "Send one file of music as it is, with its own Content-Type (audio/flac and the like) or"
        " application/octet-stream, and its name in Content-Disposition."
    )


class Content(Enum):
    """What a state change takes, where it takes anything at all."""

    JSON = "json"
    PICTURE = "picture"
    PLAYLIST = "playlist"
    AUDIO = "audio"


TAKEN: dict[Content, Set[str]] = {
    Content.JSON: {"application/json"},
    Content.PICTURE: PICTURE_TYPES,
    Content.PLAYLIST: {"application/json", *M3U_TYPES},
    Content.AUDIO: {"audio/*", "application/octet-stream", "application/ogg", "video/mp4"},
}
REFUSALS = {
    Content.JSON: JsonRequired,
    Content.PICTURE: PictureRequired,
    Content.PLAYLIST: PlaylistRequired,
    Content.AUDIO: AudioRequired,
}


@dataclass(frozen=True)
class Guard:
    """The hosts that are ours: loopback, the address listened on, and what the operator allows."""

    host: str
    allow_host: tuple[str, ...]

    def check(self, method: str, headers: Mapping[str, str]) -> None:
        """Let a request pass or refuse it; `method` is GET for a WebSocket.

        Raises:
            Forbidden: Host or Origin is not ours.
        """
        host = headers.get("host", "")
        if not self._is_ours(host):
            raise Forbidden(
                "This server is not known under that host name. Start it with --allow-host to allow the name.",
                code="host_not_allowed",
            )
        origin = headers.get("origin")
        if origin is not None and not self._is_own_page(origin, host):
            raise FromElsewhere
        if origin is None and headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            opens_page = method == "GET" and headers.get("sec-fetch-dest") == "document"
            if not opens_page:
                raise FromElsewhere

    def _is_own_page(self, origin: str, host: str) -> bool:
        try:
            parts = urlsplit(origin)
        except ValueError:
            return False
        return parts.scheme in {"http", "https"} and (parts.netloc == host or self._is_allowed(parts.netloc))

    def _is_ours(self, host: str) -> bool:
        name = _name_of(host)
        if name is None:
            return False
        if name in LOOPBACK_NAMES or name == self.host.lower() or self._is_allowed(host):
            return True
        # Listening on every address: each of the machine's addresses is ours. A name could be anybody's.
        return self.host in {"0.0.0.0", "::"} and _is_address(name)

    def _is_allowed(self, host: str) -> bool:
        allowed = {name.lower() for name in self.allow_host}
        return host.lower() in allowed or _name_of(host) in allowed


def _name_of(host: str) -> str | None:
    """The name in `name`, `name:port`, `[address]` or `[address]:port`; None when it is none of these."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return None
    if parts.path or parts.query or parts.fragment or parts.username is not None:
        return None
    return parts.hostname


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def check_content(content_type: str, content: Content) -> None:
    """Take only what a page can send where it is allowed to: no form and no beacon has these kinds of content.

    Raises:
        JsonRequired, PictureRequired, PlaylistRequired, AudioRequired: it is something else.
    """
    kind = content_type.partition(";")[0].strip().lower()
    is_audio = content is Content.AUDIO and kind.startswith("audio/")
    if kind not in TAKEN[content] and not is_audio:
        raise REFUSALS[content]


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach `host`."""
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback
