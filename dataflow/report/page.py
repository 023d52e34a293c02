"""The page: one file with all scripts, styles and data in it, that loads nothing and runs nothing else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

import orjson
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

FOLDERS = (files("config_api") / "static", files("dataflow.report") / "assets")
SCRIPTS = (
    "lightweight-charts.standalone.production.js",
    "frame.js",
    "plans.js",
    "chart.js",
    "unpack.js",
    "model.js",
    "results.js",
    "elements.js",
    "equity.js",
    "scores.js",
    "summary.js",
    "list.js",
    "report.js",
)
STYLES = ("style.css", "report.css")


def page_of(content: dict[str, Any]) -> bytes:
    """The report of a content as HTML."""
    scripts, styles = [_asset(name) for name in SCRIPTS], [_asset(name) for name in STYLES]
    environment = Environment(
        loader=PackageLoader("dataflow.report", "assets"), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("report.html.j2").render(
        content=content,
        data=embedded(content),
        scripts=[Markup(text) for text in scripts],  # noqa: S704  # our own files, checked for what would end them
        styles=[Markup(text) for text in styles],  # noqa: S704
        policy=_policy(scripts, styles),
        notice=_asset("lightweight-charts.NOTICE"),
    )
    return page.encode()


def embedded(content: object) -> Markup:
    """JSON that ends no script and begins no comment, whatever it holds."""
    text = orjson.dumps(content).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704  # without any of the characters that HTML gives a meaning


def _asset(name: str) -> str:
    file = next(folder / name for folder in FOLDERS if (folder / name).is_file())
    return file.read_text(encoding="utf-8")


def _policy(scripts: list[str], styles: list[str]) -> str:
    """Nothing is loaded from anywhere, and no script and no style applies but these."""
    allowed = {"script-src": scripts, "style-src": styles}
    parts = [f"{name} {' '.join(map(_hash, texts))}" for name, texts in allowed.items()]
    return "; ".join(["default-src 'none'", *parts, "base-uri 'none'", "form-action 'none'"])


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
