"""The application: one guard in front of everything, the WebSocket beside Quart, the page and the routes in it."""

from functools import partial

import trio
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, Scope
from quart import Response
from quart_trio import QuartTrio

from auralis_trio.errors import AuralisError, NotFound
from auralis_trio.offload import Lane
from auralis_trio.web.artwork_api import ArtworkApi
from auralis_trio.web.cache_api import CacheApi
from auralis_trio.web.collections_api import CollectionsApi
from auralis_trio.web.compression import PATIENCE_S, Compressor
from auralis_trio.web.description_api import DescriptionApi
from auralis_trio.web.facets_api import FacetsApi
from auralis_trio.web.formats_api import FormatsApi
from auralis_trio.web.library_api import LibraryApi
from auralis_trio.web.medley_api import MedleyApi
from auralis_trio.web.metadata_api import MetadataApi
from auralis_trio.web.pacing import RequestRates
from auralis_trio.web.page import Page
from auralis_trio.web.personal_api import PersonalApi
from auralis_trio.web.plain import answer_plainly, problem_answer, send_answer
from auralis_trio.web.player_api import PlayerApi
from auralis_trio.web.playlists_api import PlaylistsApi
from auralis_trio.web.problems import install_problems
from auralis_trio.web.processing_api import ProcessingApi
from auralis_trio.web.query import MAX_JSON_BYTES
from auralis_trio.web.queue_api import QueueApi
from auralis_trio.web.receipt_api import ReceiptApi
from auralis_trio.web.routes import Route, install_routes
from auralis_trio.web.security import PAGE_HEADERS, Guard
from auralis_trio.web.services import Services
from auralis_trio.web.settings_api import SettingsApi
from auralis_trio.web.stream_api import StreamApi
from auralis_trio.web.system_api import SystemApi
from auralis_trio.web.transport import prepare
from auralis_trio.web.uploads_api import UploadsApi
from auralis_trio.web.ws import client_of, serve_websocket


def route_table(services: Services) -> list[Route]:
    """Every route of the server."""
    table = [
        *Page(services.page).routes(),
        *SystemApi(services).routes(),
        *LibraryApi(services).routes(),
        *FacetsApi(services).routes(),
        *FormatsApi().routes(),
        *UploadsApi(services).routes(),
        *CollectionsApi(services).routes(),
        *PersonalApi(services).routes(),
        *PlaylistsApi(services).routes(),
        *ArtworkApi(services).routes(),
        *MetadataApi(services).routes(),
        *StreamApi(services).routes(),
        *MedleyApi(services).routes(),
        *CacheApi(services).routes(),
        *ReceiptApi(services).routes(),
        *ProcessingApi(services).routes(),
        *SettingsApi(services).routes(),
        *PlayerApi(services).routes(),
        *QueueApi(services).routes(),
    ]
    table += DescriptionApi(services, table).routes()
    return table


def create_app(services: Services) -> ASGIFramework:
    """The ASGI application of a running server."""
    app = QuartTrio(__name__, static_folder=None)
    install_problems(app)
    install_routes(app, route_table(services))
    app.after_request(_add_page_headers)
    app.after_request(Compressor(partial(services.offload.run, Lane.DISK, deadline_s=PATIENCE_S)).pack)
    prepare(app)
    app.config[MAX_JSON_BYTES] = services.settings.max_body_bytes
    guard = Guard(services.settings.host, services.settings.allow_host)
    rates, admission = RequestRates(services.settings.max_requests_per_s), services.admission
    plain_routes = StreamApi(services).plain_routes()

    async def guarded(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        if scope["type"] == "http":
            send = services.requests.counted(scope, send)
        method = scope["method"] if scope["type"] == "http" else "GET"
        client = client_of(scope)
        with admission.seat(client) as seat:
            try:
                guard.check(method, headers)
                refuse_empty_names(scope["path"])
                rates.check(client, trio.current_time())
                if method == "GET" and sends_whole_tracks(scope["path"]):
                    seat.take()
            except AuralisError as error:
                await _refuse(scope, send, error)
                return
            if scope["type"] == "websocket":
                await serve_websocket(services.sessions, scope, receive, send)
            elif not await answer_plainly(plain_routes, scope, send):
                await app(scope, receive, send)

    return guarded


def refuse_empty_names(path: str) -> None:
    """Let no path with two slashes in a row pass: routers skip one of them, whoever compares the path does not.

    Raises:
        NotFound: it is such a path.
    """
    if "//" in path:
        raise NotFound("There is nothing under this address: it has two slashes in a row.")


def sends_whole_tracks(path: str) -> bool:
    """Whether the answer may last as long as its listener listens."""
    name = path.rstrip("/").rpartition("/")[2]
    return path.startswith("/api/stream/") and (name == "file" or name.startswith("audio."))


async def _refuse(scope: Scope, send: ASGISendCallable, error: AuralisError) -> None:
    """Answer without the application: it never sees what the guard turns away."""
    with_body = scope["type"] == "websocket" or (scope["type"] == "http" and scope["method"] != "HEAD")
    await send_answer(problem_answer(error), send, with_body=with_body, to_upgrade=scope["type"] == "websocket")


async def _add_page_headers(response: Response) -> Response:
    for name, value in PAGE_HEADERS:
        response.headers.setdefault(name, value)
    return response
