"""Long work with progress: each job is one task in somebody else's nursery, and ends with exactly one last event."""

from collections.abc import Callable
from typing import Any

Announce = Callable[[str, dict[str, Any]], None]
"""Tells whoever listens of an event: its kind, and what it says."""
