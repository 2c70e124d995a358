"""What a content id is made of: the digits of the payload, and behind them those of what headers say of it."""

PAYLOAD_DIGITS, HEADER_DIGITS = 32, 16


def names_of(content_id: str) -> tuple[str, ...]:
    """What a content may be known by, the surest first: earlier versions looked at nothing but the payload.

    >>> names_of("0123456789abcdef" * 3)
    ('0123456789abcdef0123456789abcdef0123456789abcdef', '0123456789abcdef0123456789abcdef')
    """
    return tuple(dict.fromkeys((content_id, content_id[:PAYLOAD_DIGITS])))
