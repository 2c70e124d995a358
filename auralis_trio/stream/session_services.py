"""What the sessions of one server share, and their bounds."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from auralis_trio.stream.admission import Admission
from auralis_trio.stream.beat import Beat
from auralis_trio.stream.catalogue import Catalogue
from auralis_trio.stream.hub import Hub
from auralis_trio.stream.listening import Listening
from auralis_trio.stream.listens import Listens
from auralis_trio.stream.mastery import Mastery
from auralis_trio.stream.player import Player
from auralis_trio.stream.renderer import Renderer
from auralis_trio.stream.traffic import Traffic


@dataclass(frozen=True)
class SessionLimits:
    """The bounds of one session."""

    stall_timeout_s: float
    pace_ahead_s: float
    max_messages_per_s: int


@dataclass(frozen=True)
class SessionServices:
    """What sessions share."""

    renderer: Renderer
    hub: Hub
    catalogue: Catalogue
    mastery: Mastery
    listening: Listening
    player: Player
    listens: Listens
    admission: Admission
    snapshot: Callable[[], dict[str, Any]]
    version: str
    limits: SessionLimits
    beat: Beat = field(default_factory=Beat)
    traffic: Traffic = field(default_factory=Traffic)
