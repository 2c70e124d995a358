"""Who may talk to the server: programs, our own page, nobody else's."""

from contextlib import nullcontext

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auralis_trio.errors import AuralisError, Forbidden
from auralis_trio.web.security import (
    Content,
    Guard,
    JsonRequired,
    PictureRequired,
    PlaylistRequired,
    check_content,
    is_loopback,
)

LOCAL = Guard("127.0.0.1", ())
EVERYWHERE = Guard("0.0.0.0", ())
EVERYWHERE_6 = Guard("::", ())
ON_LAN = Guard("192.168.1.5", ())
NAMED = Guard("127.0.0.1", ("music.lan", "proxy.example:8443", "Mixed.Case", "fd00::7"))

HOSTS: list[tuple[Guard, str, bool]] = [
    (LOCAL, "127.0.0.1:8765", True),
    (LOCAL, "127.0.0.1", True),
    (LOCAL, "localhost:8765", True),
    (LOCAL, "LocalHost:1", True),
    (LOCAL, "[::1]:8765", True),
    (LOCAL, "[::1]", True),
    (LOCAL, "", False),
    (LOCAL, ":8765", False),
    (LOCAL, "evil.example:8765", False),
    (LOCAL, "127.0.0.1.evil.example", False),
    (LOCAL, "localhost.evil.example", False),
    (LOCAL, "localhost.", False),
    (LOCAL, "evil.example@127.0.0.1", False),
    (LOCAL, "127.0.0.1@evil.example", False),
    (LOCAL, "user:pass@localhost", False),
    (LOCAL, "@localhost", False),
    (LOCAL, "localhost/evil", False),
    (LOCAL, "localhost?evil", False),
    (LOCAL, "localhost#evil", False),
    (LOCAL, "localhost:port", False),
    (LOCAL, "localhost:99999", False),
    (LOCAL, "[::1", False),
    (LOCAL, "::1", False),
    (LOCAL, "[localhost]", False),
    (LOCAL, "192.168.1.5", False),
    (LOCAL, "0.0.0.0:8765", False),
    (LOCAL, "music.lan", False),
    (ON_LAN, "192.168.1.5:8765", True),
    (ON_LAN, "localhost:8765", True),
    (ON_LAN, "192.168.1.6:8765", False),
    (ON_LAN, "music.lan", False),
    (EVERYWHERE, "192.168.1.5:8765", True),
    (EVERYWHERE, "[fe80::1]:8765", True),
    (EVERYWHERE, "rebound.evil.example:8765", False),
    (EVERYWHERE, "music.lan", False),
    (EVERYWHERE_6, "[2001:db8::1]:8765", True),
    (EVERYWHERE_6, "10.0.0.1", True),
    (EVERYWHERE_6, "evil.example", False),
    (NAMED, "music.lan", True),
    (NAMED, "music.lan:1234", True),
    (NAMED, "MUSIC.LAN", True),
    (NAMED, "mixed.case", True),
    (NAMED, "proxy.example:8443", True),
    (NAMED, "proxy.example:8765", False),
    (NAMED, "proxy.example", False),
    (NAMED, "[fd00::7]:8765", True),
    (NAMED, "other.music.lan", False),
    (NAMED, "music.lan.evil.example", False),
]


def verdict(guard: Guard, method: str = "GET", **headers: str) -> str:
    """`passes`, or the code of the refusal; header names with underscores."""
    try:
        guard.check(method, {name.replace("_", "-"): value for name, value in headers.items()})
    except AuralisError as error:
        return error.code
    return "passes"


@pytest.mark.parametrize(("guard", "host", "ours"), HOSTS, ids=[f"{row[0].host} {row[1]!r}" for row in HOSTS])
def test_a_host_is_ours_or_refused(guard: Guard, host: str, ours: bool) -> None:
    assert verdict(guard, host=host) == ("passes" if ours else "host_not_allowed")


def test_a_request_without_a_host_is_refused() -> None:
    assert verdict(LOCAL) == "host_not_allowed"


@pytest.mark.parametrize(
    ("origin", "host", "ours"),
    [
        ("http://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("https://127.0.0.1:8765", "127.0.0.1:8765", True),
        ("http://localhost:8765", "localhost:8765", True),
        ("http://[::1]:8765", "[::1]:8765", True),
        ("http://localhost", "localhost", True),
        ("https://music.lan", "127.0.0.1:8765", True),
        ("https://music.lan:4000", "music.lan", True),
        ("https://proxy.example:8443", "127.0.0.1:8765", True),
        ("https://proxy.example", "127.0.0.1:8765", False),
        ("http://localhost:3000", "localhost:8765", False),
        ("http://127.0.0.1:8765", "localhost:8765", False),
        ("http://localhost", "localhost:8765", False),
        ("https://evil.example", "127.0.0.1:8765", False),
        ("http://127.0.0.1:8765.evil.example", "127.0.0.1:8765", False),
        ("http://127.0.0.1:8765@evil.example", "127.0.0.1:8765", False),
        ("http://evil.example@127.0.0.1:8765", "127.0.0.1:8765", False),
        ("http://evil.example/127.0.0.1:8765", "127.0.0.1:8765", False),
        ("null", "127.0.0.1:8765", False),
        ("", "127.0.0.1:8765", False),
        ("*", "127.0.0.1:8765", False),
        ("127.0.0.1:8765", "127.0.0.1:8765", False),
        ("//127.0.0.1:8765", "127.0.0.1:8765", False),
        ("file://", "127.0.0.1:8765", False),
        ("file://127.0.0.1:8765", "127.0.0.1:8765", False),
        ("chrome-extension://127.0.0.1:8765", "127.0.0.1:8765", False),
        ("http://[::1", "127.0.0.1:8765", False),
        ("http://[evil]", "127.0.0.1:8765", False),
        ("http://127.0.0.1:8765 http://evil.example", "127.0.0.1:8765", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_a_page_is_ours_or_refused(origin: str, host: str, ours: bool, method: str) -> None:
    assert verdict(NAMED, method, origin=origin, host=host) == ("passes" if ours else "origin_not_allowed")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(
    ("method", "destination", "passes"),
    [
        ("GET", "document", True),
        ("GET", "iframe", False),
        ("GET", "empty", False),
        ("GET", "audio", False),
        ("GET", "image", False),
        ("GET", "script", False),
        ("GET", "", False),
        ("HEAD", "document", False),
        ("POST", "document", False),
        ("DELETE", "empty", False),
    ],
)
def test_a_foreign_page_may_only_open_ours(site: str, method: str, destination: str, passes: bool) -> None:
    heard = verdict(
        LOCAL,
        method,
        host="localhost:8765",
        **{"sec-fetch-site": site, "sec-fetch-dest": destination},
    )
    assert heard == ("passes" if passes else "origin_not_allowed")


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_what_the_browser_marks_as_our_own_passes(site: str) -> None:
    assert verdict(LOCAL, host="localhost:8765", **{"sec-fetch-site": site, "sec-fetch-dest": "empty"}) == "passes"


@pytest.mark.parametrize(
    ("content_type", "taken_as"),
    [
        ("application/json", "json"),
        ("application/json; charset=utf-8", "json"),
        ("Application/JSON ;charset=utf-8", "json"),
        ("", None),
        ("text/plain", None),
        ("text/plain; application/json", None),
        ("application/x-www-form-urlencoded", None),
        ("multipart/form-data; boundary=application/json", None),
        ("application/jsonp", None),
        ("application/json, text/plain", None),
        ("image/png", "picture"),
        ("audio/x-mpegurl", "playlist"),
        ("Image/JPEG; q=1", "picture"),
        ("image/svg+xml", None),
        ("image/*", None),
    ],
)
def test_content_is_json_or_what_the_route_takes_in_its_place(content_type: str, taken_as: str | None) -> None:
    taken: dict[Content, tuple[set[str | None], type[AuralisError]]] = {
        Content.JSON: ({"json"}, JsonRequired),
        Content.PICTURE: ({"picture"}, PictureRequired),
        Content.PLAYLIST: ({"json", "playlist"}, PlaylistRequired),
    }
    for content, (kinds, error) in taken.items():
        with nullcontext() if taken_as in kinds else pytest.raises(error):
            check_content(content_type, content)


def test_the_host_is_looked_at_before_anything_else() -> None:
    assert verdict(LOCAL, "POST", host="evil.example", origin="http://evil.example") == "host_not_allowed"


@settings(deadline=None)
@given(st.text(), st.none() | st.text(), st.sampled_from([LOCAL, EVERYWHERE, NAMED]))
def test_any_heads_whatever_pass_or_are_refused(host: str, origin: str | None, guard: Guard) -> None:
    headers = {"host": host} if origin is None else {"host": host, "origin": origin}
    try:
        guard.check("GET", headers)
    except Forbidden:
        return


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.5", False),
        ("music.lan", False),
        ("localhost.evil.example", False),
        ("", False),
    ],
)
def test_only_loopback_is_called_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
