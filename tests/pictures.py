"""The pictures of the report in the README, made anew: `python -m tests.pictures KLINES` with a folder of klines.

They show BTCUSDT, ETHUSDT and SOLUSDT from July to October 2025 as `ta-bot replay` sees them; pictures are kept in
`docs/images`, nothing else is.
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from playwright.sync_api import Browser, expect

from tests.browser import opened, running_chromium
from tests.e2e.command import ta_bot

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
FROM = "2025-07-01"


def make(klines: Path) -> None:
    """Replay, report, and take the pictures."""
    files = sorted(file for symbol in SYMBOLS for file in klines.glob(f"{symbol}-*"))
    if not files:
        sys.exit(f"{klines}: expected klines of {', '.join(SYMBOLS)}, got none")
    with TemporaryDirectory() as folder:
        signals, page = Path(folder) / "signals.jsonl", Path(folder) / "report.html"
        given = [argument for file in files for argument in ("--klines", file)]
        commands: tuple[tuple[str | Path, ...], ...] = (
            ("replay", *files, "--from", FROM, "--out", signals),
            ("report", signals, *given, "--from", FROM, "--out", page),
        )
        for command in commands:
            ended = ta_bot(*command)
            if ended.returncode:
                sys.exit(ended.stderr)
        IMAGES.mkdir(parents=True, exist_ok=True)
        with running_chromium() as browser:
            take(browser, page.as_uri(), "report.png", viewport={"width": 1360, "height": 1000})
            phone = {"width": 390, "height": 844}
            take(
                browser,
                page.as_uri(),
                "report-dark-phone.png",
                viewport=phone,
                color_scheme="dark",
                device_scale_factor=2,
            )


def take(browser: Browser, url: str, name: str, **context: object) -> None:
    """One picture, of the signals of one strategy with its indicators."""
    page = opened(browser, url, **context).page
    expect(page.locator("html")).to_have_attribute("data-state", "ready", timeout=60_000)
    page.select_option("#strategy", label="Momentum Pulse")
    for _ in range(5):
        page.get_by_role("button", name="Earlier").press("Enter")
    expect(page.locator("#signal .facts").first).to_be_visible()
    if context.get("color_scheme"):
        page.locator("#chart-head").evaluate("head => head.scrollIntoView()")
    page.wait_for_function(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))"
    )
    page.screenshot(path=IMAGES / name)


if __name__ == "__main__":
    make(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/klines"))
