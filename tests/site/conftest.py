"""The site as `make site` has built it, served on the loopback as any host of files would."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import browser, leaves

__all__ = ["browser"]

SITE = Path(__file__).resolve().parent.parent.parent / "build" / "site"


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files and nothing else: no header that isolates the page, which most hosts do not send either."""

    extensions_map = {".mjs": "text/javascript", ".js": "text/javascript", ".wasm": "application/wasm"} | (
        http.server.SimpleHTTPRequestHandler.extensions_map
    )

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="package")
def site() -> Path:
    if not (SITE / "lite" / "index.html").exists():
        pytest.fail("expected the site in build/site; try `make site`", pytrace=False)
    return SITE


@pytest.fixture(scope="package")
def address(site: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=site)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class Reader:
    """A page of the site in Chromium; what it asks of other machines and what goes wrong in it is taken down."""

    def __init__(self, page: Page, address: str) -> None:
        self.page, self.address = page, address
        self.outside: list[str] = []
        self.errors: list[str] = []
        page.context.on("request", lambda request: self.outside.append(request.url) if leaves(request.url) else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, place: str) -> None:
        self.page.goto(f"{self.address}/{place}")

    def alive(self) -> list:
        """Every widget of the page, each brought into view until its module has drawn it."""
        places = self.page.locator(".course-live").all()
        for place in places:
            place.scroll_into_view_if_needed()
            self.page.wait_for_function(
                "place => place.classList.contains('course-is-live')", arg=place.element_handle()
            )
        return places


@pytest.fixture
def reader(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """A reader of 1280 by 900 in the light, unless the test gives other options of a context as parameters."""
    context = browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | getattr(request, "param", {})))
    reader = Reader(context.new_page(), address)
    yield reader
    context.close()
    assert reader.outside == []
    assert reader.errors == []
