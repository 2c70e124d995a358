"""What the tests of the player page share: a served folder, a browser, a watched page."""

import shutil
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.serving import server_process
from tests.web.player_page import CHROMIUM_ARGUMENTS, LIMIT_MS, LOUDSPEAKER, Run, Watch

expect.set_options(timeout=LIMIT_MS)
WATCH = pytest.StashKey[Watch]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure of a page says what was said on its lines before."""
    report = yield
    if report.failed and WATCH in item.stash:
        report.sections.append(("the last on the page's lines", "\n".join(item.stash[WATCH].talk)))
    return report


@pytest.fixture(scope="module")
def serve_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Serves a folder with the real program and gives its address; afterwards SIGTERM must end it with 0."""
    with ExitStack() as servers:

        def serve(folder: Path, **options: Any) -> str:
            data_dir = tmp_path_factory.mktemp("data")
            return servers.enter_context(server_process(data_dir, folder, **options)).url

        yield serve


@pytest.fixture(scope="module")
def url(serve_folder: Callable[[Path], str], folder: Path) -> str:
    """The address of a server of a module's `folder`, unless the module has an address of its own."""
    return serve_folder(folder)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """Shared by a module's tests, so that the page comes from the browser's cache."""
    with browser.new_context(viewport={"width": 1280, "height": 800}) as context:
        context.set_default_timeout(LIMIT_MS)
        context.add_init_script(LOUDSPEAKER)
        yield context


@pytest.fixture
def page(context: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of its own, which may neither complain nor ask anything of anybody but the server."""
    with context.new_page() as page:
        watch = request.node.stash[WATCH] = Watch(page)
        yield page
        page.evaluate("() => localStorage.clear()")
        assert watch.complaints == []
        assert len(watch.origins) <= 1


@pytest.fixture(scope="module")
def empty_url(serve_folder: Callable[[Path], str], tmp_path_factory: pytest.TempPathFactory) -> str:
    return serve_folder(tmp_path_factory.mktemp("nothing"))


@pytest.fixture(scope="module")
def modules(context: BrowserContext, empty_url: str) -> Iterator[Run]:
    """Runs code on the page's modules, without the page."""
    with context.new_page() as page:
        page.goto(empty_url)

        def run(body: str, given: Any = None) -> Any:
            load = "const load = (name) => import(`/player/${name}`);"
            return page.evaluate(f"async (given) => {{ {load} {body} }}", given)

        yield run
