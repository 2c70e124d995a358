"""Ranges and conditions, case by case as RFC 9110 has them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.datastructures import Headers

from auralis_trio.web.ranges import Part, PreconditionFailed, RangeRefused, is_unchanged, requested_part

ETAG = "abc"
WHOLE = Part(0, 1000, 1000, partial=False)


def part(start: int, end: int, total: int = 1000) -> Part:
    return Part(start, end, total, partial=True)


def asked(range_: str | None, *, method: str = "GET", total: int = 1000, if_range: str | None = None) -> Part:
    headers = Headers()
    if range_ is not None:
        headers["Range"] = range_
    if if_range is not None:
        headers["If-Range"] = if_range
    return requested_part(method, headers, ETAG, total)


@pytest.mark.parametrize(
    ("range_", "expected"),
    [
        ("bytes=0-499", part(0, 500)),
        ("bytes=500-999", part(500, 1000)),
        ("bytes=0-0", part(0, 1)),
        ("bytes=999-999", part(999, 1000)),
        ("bytes=0-999", part(0, 1000)),
        ("bytes=0-", part(0, 1000)),
        ("bytes=500-", part(500, 1000)),
        ("bytes=999-", part(999, 1000)),
        ("bytes=900-5000", part(900, 1000)),
        ("bytes=0-99999999999999999999999999", part(0, 1000)),
        ("bytes=-1", part(999, 1000)),
        ("bytes=-500", part(500, 1000)),
        ("bytes=-1000", part(0, 1000)),
        ("bytes=-1001", part(0, 1000)),
        ("bytes=-99999999999999999999999999", part(0, 1000)),
        ("Bytes=5-6", part(5, 7)),
        ("bytes= 5-6 ", part(5, 7)),
    ],
)
def test_one_range_is_given_exactly(range_: str, expected: Part) -> None:
    assert asked(range_) == expected


@pytest.mark.parametrize(
    "range_",
    [
        None,
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=5",
        "bytes=5-3",
        "bytes=--5",
        "bytes=+1-2",
        "bytes=1_0-20",
        "bytes=0x1-0x2",
        "bytes=\u0663-\u0664",
        "items=0-5",
        "0-5",
        "bytes 0-5",
        "bytes=0-5,5-3",
        "bytes=0-5;6-7",
    ],
)
def test_what_is_malformed_or_of_another_unit_gets_the_whole(range_: str | None) -> None:
    assert asked(range_) == WHOLE


@pytest.mark.parametrize(
    ("range_", "total"),
    [
        ("bytes=1000-", 1000),
        ("bytes=1000-1000", 1000),
        ("bytes=99999999999999999999-", 1000),
        ("bytes=0-", 0),
        ("bytes=-5", 0),
        ("bytes=-0", 1000),
        ("Bytes = -000 ", 1000),
    ],
)
def test_what_lies_outside_is_refused_with_the_length(range_: str, total: int) -> None:
    with pytest.raises(RangeRefused) as caught:
        asked(range_, total=total)
    assert (caught.value.status, caught.value.code) == (416, "range_not_satisfiable")
    assert caught.value.headers["Content-Range"] == f"bytes */{total}"


@pytest.mark.parametrize("range_", ["bytes=0-0,-1", "bytes=0-5, 10-20", "bytes=0-1,2-3,4-"])
def test_several_ranges_are_refused(range_: str) -> None:
    with pytest.raises(RangeRefused) as caught:
        asked(range_)
    assert caught.value.code == "multiple_ranges"
    assert caught.value.headers["Content-Range"] == "bytes */1000"


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
@pytest.mark.parametrize("range_", ["bytes=0-5", "bytes=5000-", "bytes=0-1,3-4"])
def test_only_get_has_ranges(method: str, range_: str) -> None:
    assert asked(range_, method=method) == WHOLE


@pytest.mark.parametrize(
    ("if_range", "expected"),
    [
        ('"abc"', part(5, 10)),
        ('"other"', WHOLE),
        ('W/"abc"', WHOLE),
        ("abc", WHOLE),
        ("", WHOLE),
        ("Sat, 29 Oct 1994 19:43:31 GMT", WHOLE),
    ],
)
def test_a_range_counts_only_for_what_the_client_has(if_range: str, expected: Part) -> None:
    assert asked("bytes=5-9", if_range=if_range) == expected


def test_an_outdated_range_that_lies_outside_gets_the_whole() -> None:
    assert asked("bytes=5000-", if_range='"other"') == WHOLE


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=255), max_size=30), st.integers(0, 2**40))
def test_any_range_whatever_gives_bytes_within_or_a_refusal(text: str, total: int) -> None:
    try:
        found = requested_part(
            "GET", Headers({"Range": "bytes=" + text.replace("\r", "").replace("\n", "")}), ETAG, total
        )
    except RangeRefused:
        return
    assert 0 <= found.start <= found.end <= total


@settings(deadline=None)
@given(st.integers(1, 2**40), st.integers(0, 2**41), st.integers(0, 2**41))
def test_first_and_last_are_both_included(total: int, first: int, last: int) -> None:
    if first > last:
        assert asked(f"bytes={first}-{last}", total=total) == Part(0, total, total, partial=False)
    elif first < total:
        assert asked(f"bytes={first}-{last}", total=total) == part(first, min(last + 1, total), total)
    else:
        with pytest.raises(RangeRefused):
            asked(f"bytes={first}-{last}", total=total)


def test_a_part_describes_itself() -> None:
    assert part(5, 10).status == 206
    assert part(5, 10).headers() == {
        "Accept-Ranges": "bytes",
        "Content-Length": "5",
        "Content-Range": "bytes 5-9/1000",
    }


def test_the_whole_describes_itself() -> None:
    assert WHOLE.status == 200
    assert WHOLE.headers() == {"Accept-Ranges": "bytes", "Content-Length": "1000"}


@pytest.mark.parametrize(
    ("given_", "unchanged"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"x", "abc"', True),
        ('"x", W/"abc"', True),
        ("*", True),
        ('"x"', False),
        ('"abcd"', False),
        ('"ABC"', False),
        ("", False),
        (None, False),
    ],
)
def test_what_the_client_has_already_is_not_sent_again(given_: str | None, unchanged: bool) -> None:
    headers = Headers() if given_ is None else Headers({"If-None-Match": given_})
    assert is_unchanged(headers, ETAG) is unchanged


@pytest.mark.parametrize(
    ("wanted", "met"),
    [
        ('"abc"', True),
        ('"x", "abc"', True),
        ("*", True),
        ('W/"abc"', False),
        ('"x"', False),
        ("", False),
    ],
)
@pytest.mark.parametrize("given_", [None, '"abc"', '"x"'])
def test_whoever_wants_another_version_is_told_before_anything_else(
    wanted: str, met: bool, given_: str | None
) -> None:
    headers = Headers({"If-Match": wanted} | ({} if given_ is None else {"If-None-Match": given_}))
    if met:
        assert is_unchanged(headers, ETAG) is (given_ == '"abc"')
    else:
        with pytest.raises(PreconditionFailed):
            is_unchanged(headers, ETAG)
