"""The list of connections as a browser meets it, under the production command: bytes over the wire
of a first and of a second visit, the server's time, the first paint, and a filter.

`python -m bench.pages 10000`, on the database that DATABASE_URL names.
"""

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from .api import server
from .rows import fill, prepare

FEW, ROUNDS = 300, 21
LIST, EMPTY = "/connections/", "/password/"
ENSURE_BROWSER = Path(__file__).resolve().parent.parent / "tools" / "ensure_browser"
OBSERVE = """
  window.shifted = 0;
  new PerformanceObserver(list => {
    for (const entry of list.getEntries()) window.shifted += entry.value;
  }).observe({type: 'layout-shift', buffered: true});
"""
# A headless Chromium shows no tab, and so asks for no icon by itself.
ICON = "fetch(document.querySelector('link[rel=icon]').href).then(answer => answer.text())"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? null"
FILTER = """
  value => new Promise(done => {
    const began = performance.now(), select = document.querySelector('[name=status]');
    document.addEventListener('htmx:afterSettle', () => requestAnimationFrame(
      () => setTimeout(() => done(performance.now() - began))), {once: true});
    select.value = value;
    select.dispatchEvent(new Event('change', {bubbles: true}));
  })
"""


def line(name: str, value: float, unit: str, most: float) -> None:
    """One line of the table: what was measured, and what it should be at most."""
    print(f"  {name:<56}{value:>10,.1f} {unit:<3} at most {most:g}", flush=True)


def prepared() -> str:
    """Leaves a few connections and no others. Returns the cookie of an administrator."""
    prepare(FEW, "admin")
    from connections.models import Connection, Profile

    from .in_process import signed_in

    Profile.objects.all().delete()
    Connection.objects.all().delete()
    fill(0, FEW)
    return signed_in().cookies["sessionid"].value


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser of the tests."""
    program = subprocess.check_output([ENSURE_BROWSER], text=True).strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


def visitor(browser: Browser, port: int, cookie: str) -> BrowserContext:
    """A person who is signed in, with an empty cache."""
    address = f"http://127.0.0.1:{port}"
    context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900})
    context.add_cookies([{"name": "sessionid", "value": cookie, "url": address}])
    context.add_init_script(OBSERVE)
    return context


def kilobytes(page: Page, address: str) -> float:
    """KB over the wire for the page at `address` with all that it loads, heads included."""
    sizes: list[float] = []

    def note(event: dict[str, Any]) -> None:
        sizes.append(event["encodedDataLength"])

    devtools = page.context.new_cdp_session(page)
    devtools.send("Network.enable")
    devtools.on("Network.loadingFinished", note)
    page.goto(address, wait_until="networkidle")
    page.evaluate(ICON)
    devtools.detach()
    return sum(sizes) / 1000


def measure_bytes(browser: Browser, port: int, cookie: str) -> None:
    """Prints the bytes of a first visit and of a second."""
    with visitor(browser, port, cookie) as context:
        page = context.new_page()
        line("first visit, over the wire", kilobytes(page, LIST), "KB", 45)
        line("second visit, over the wire", kilobytes(page, LIST), "KB", 12)


def measure_server(port: int, cookie: str) -> None:
    """Prints the time of the first page of the list, and of that what a page without rows takes."""
    times: dict[str, list[float]] = {EMPTY: [], LIST: []}
    headers = {"Cookie": f"sessionid={cookie}", "Host": "127.0.0.1", "Accept-Encoding": "gzip"}
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    for number in range(3 * ROUNDS):
        for address, found in times.items():
            began = time.perf_counter()
            connection.request("GET", address, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{address} answers {answer.status}")
            if number >= ROUNDS:  # warm by now
                found.append((time.perf_counter() - began) * 1000)
    empty, whole = (statistics.median(found) for found in times.values())
    line("floor: a page without rows (password change)", empty, "ms", 60)
    line("the list's first page on the server", whole, "ms", 60)
    line("the list's first page, of the floor", whole / empty, "x", 5)


def measure_browser(browser: Browser, port: int, cookie: str) -> None:
    """Prints what a person sees: the first paint of a first visit, shifts, and a filter."""
    paints, shifts, filters = [], [], []
    for number in range(ROUNDS):
        with visitor(browser, port, cookie) as context:
            page = context.new_page()
            page.goto(LIST, wait_until="networkidle")
            page.wait_for_function(f"{PAINTED} !== null")
            paints.append(page.evaluate(PAINTED))
            filters.append(page.evaluate(FILTER, ("active", "inactive")[number % 2]))
            shifts.append(page.evaluate("window.shifted"))
    line("first contentful paint, first visit", statistics.median(paints), "ms", 500)
    line("layout shift, a filter included", max(shifts), "", 0)
    line("a filter until its rows are drawn", statistics.median(filters), "ms", 150)


def main() -> None:
    """Fills, serves and measures a list of 300 connections, then one of as many as asked for."""
    many = int(sys.argv[1])
    cookie = prepared()
    with chromium() as browser:
        print(f"{FEW} connections")
        with server(CONNECTIONS_CHECK_MINUTES="0") as running:
            measure_bytes(browser, running.port, cookie)
    fill(FEW, many)
    with chromium() as browser, server(CONNECTIONS_CHECK_MINUTES="0") as running:
        print(f"{many:,} connections")
        measure_server(running.port, cookie)
        measure_browser(browser, running.port, cookie)


if __name__ == "__main__":
    main()
