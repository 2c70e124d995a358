"""What a listener thinks of tracks, and the lists that follow from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from auralis_trio.library.personal import (
    MAX_RATING,
    list_favorites,
    list_most_played,
    list_random,
    list_recently_added,
    list_recently_played,
    set_favorite,
    set_rating,
)
from auralis_trio.library.queries import get_track
from auralis_trio.library.records import Page, TrackRecord
from auralis_trio.library.track_lists import MAX_SEED
from auralis_trio.web.query import WindowQuery
from auralis_trio.web.routes import Route
from auralis_trio.web.services import Services


class SortedQuery(WindowQuery, frozen=True):
    """Which part of a list; without `sort`, in the order that it is named for."""

    sort: str | None = None


class RandomQuery(WindowQuery, frozen=True):
    """Which part of the order that belongs to `seed`: the pages of one seed fit together."""

    seed: Annotated[int, Meta(ge=0, le=MAX_SEED)] = 0


class Rating(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Stars, or null for none."""

    rating: Annotated[int, Meta(ge=0, le=MAX_RATING)] | None


@dataclass(frozen=True)
class PersonalApi:
    """Favourites, ratings, and lists by what was played."""

    services: Services

    def routes(self) -> list[Route]:
        """Its part of the table of routes."""
        tracks = "/api/library/tracks"
        return [
            Route("GET", f"{tracks}/favorites", self.favorites),
            Route("GET", f"{tracks}/recently-added", self.recently_added),
            Route("GET", f"{tracks}/recently-played", self.recently_played),
            Route("GET", f"{tracks}/most-played", self.most_played),
            Route("GET", f"{tracks}/random", self.random),
            Route("POST", f"{tracks}/<int:track_id>/favorite", self.add_favorite),
            Route("DELETE", f"{tracks}/<int:track_id>/favorite", self.remove_favorite),
            Route("PUT", f"{tracks}/<int:track_id>/rating", self.rate),
        ]

    async def favorites(self, query: SortedQuery) -> Page[TrackRecord]:
        """A page of the favourites."""
        return await self._list(list_favorites, query)

    async def recently_added(self, query: SortedQuery) -> Page[TrackRecord]:
        """A page of the tracks, the latest first."""
        return await self._list(list_recently_added, query)

    async def recently_played(self, query: SortedQuery) -> Page[TrackRecord]:
        """A page of what was played, the latest first."""
        return await self._list(list_recently_played, query)

    async def most_played(self, query: SortedQuery) -> Page[TrackRecord]:
        """A page of what was played, the most often played first."""
        return await self._list(list_most_played, query)

    async def random(self, query: RandomQuery) -> Page[TrackRecord]:
        """A page of a random order."""
        return await self.services.catalogue.ask(list_random, query.window, query.seed)

    async def add_favorite(self, track_id: int) -> TrackRecord:
        """Make a track a favourite."""
        return await self._change(set_favorite, track_id, "favorite", True)

    async def remove_favorite(self, track_id: int) -> TrackRecord:
        """Make a track a favourite no more."""
        return await self._change(set_favorite, track_id, "favorite", False)

    async def rate(self, track_id: int, body: Rating) -> TrackRecord:
        """Rate a track."""
        return await self._change(set_rating, track_id, "rating", body.rating)

    async def _list(self, ask: Callable[..., Page[TrackRecord]], page: SortedQuery) -> Page[TrackRecord]:
        sort = () if page.sort is None else (page.sort,)
        return await self.services.catalogue.ask(ask, page.window, *sort)

    async def _change(self, change: Callable[..., None], track_id: int, field: str, value: Any) -> TrackRecord:
        await self.services.catalogue.tell(change, track_id, value)
        self.services.hub.announce("library", "metadata_updated", {"track_id": track_id, "updated_fields": [field]})
        return await self.services.catalogue.ask(get_track, track_id)
