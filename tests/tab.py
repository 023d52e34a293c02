"""The live page in a tab of a real browser, and what its console complained about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page

from tests.browser import picture
from tests.nats_server import PATIENCE_SECS

ARTEFACTS = Path(__file__).parent / "artefacts"

# Says in the console what a policy forbids, wherever the browser would say it.
_TELL = "addEventListener('securitypolicyviolation', (event) => console.error('policy: ' + event.violatedDirective))"


class Tab:
    """A page, and what its console complained about."""

    def __init__(self, browser: Browser, **settings: Any) -> None:
        self.complaints: list[str] = []
        self._context = browser.new_context(viewport={"width": 1440, "height": 1000}, **settings)
        self._context.add_init_script(_TELL)
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(PATIENCE_SECS * 1000)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def drawn(self) -> dict[int, int]:
        """How many pixels of the chart have each colour."""
        return picture(self.page.locator("#chart"))

    def wait_text(self, selector: str, text: str) -> None:
        """Wait until an element shows a text."""
        self.page.locator(selector, has_text=text).first.wait_for()

    def texts(self, selector: str) -> list[str]:
        return self.page.locator(selector).all_inner_texts()

    def keep(self, name: str) -> None:
        """Keep a picture of what can be seen."""
        self.page.screenshot(path=ARTEFACTS / f"{name}.png")

    def close(self) -> None:
        self._context.close()

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@contextmanager
def open_tab(browser: Browser, url: str, **settings: Any) -> Iterator[Tab]:
    """A tab that shows a page while entered."""
    tab = Tab(browser, **settings)
    try:
        tab.page.goto(url)
        yield tab
    finally:
        tab.close()
