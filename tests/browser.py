"""A real browser, without a screen and without a network."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Locator, Page, sync_playwright

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)

# Colours and pixels of all canvases of a chart; a canvas that is not drawn on is transparent.
PICTURE = """chart => {
    const colors = new Map();
    for (const canvas of chart.querySelectorAll("canvas")) {
        if (!canvas.width || !canvas.height) continue;
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
        for (const color of new Uint32Array(data.buffer)) colors.set(color, (colors.get(color) || 0) + 1);
    }
    return [...colors].sort(([one], [other]) => one - other);
}"""


@dataclass
class Watched:
    """A page, and what its console said and what it wanted from the network."""

    page: Page
    said: list[str] = field(default_factory=list)
    wanted: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.wanted.append(request.url))

    def text(self, selector: str) -> str:
        """The text of the only such element."""
        return self.page.locator(selector).inner_text()

    def texts(self, selector: str) -> list[str]:
        """The texts of all such elements."""
        return self.page.locator(selector).all_inner_texts()

    def rows(self, selector: str) -> list[list[str]]:
        """The texts of the cells of the rows of a table."""
        script = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
        found: list[list[str]] = self.page.locator(selector).evaluate_all(script)
        return found


def picture(chart: Locator) -> dict[int, int]:
    """How many pixels of a chart have each colour."""
    return dict(chart.evaluate(PICTURE))


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Browser, url: str, **context: Any) -> Watched:
    """A page in a context of its own, without a network."""
    own = browser.new_context(**context)
    own.set_offline(True)
    watched = Watched(own.new_page())
    watched.page.goto(url)
    return watched
