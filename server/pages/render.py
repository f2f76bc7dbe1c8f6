"""Pages from templates: escaped by default, no name left undefined, assets by their content."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from fastapi.responses import HTMLResponse

from trust.clock import CHINA

STATIC = Path(__file__).resolve().parent.parent / "static"
TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any
) -> HTMLResponse:
    """A template filled with values, as a response."""
    return HTMLResponse(text(template, **values), status, headers=dict(headers or {}))


def text(template: str, **values: Any) -> str:
    """A template filled with values."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.globals["asset"] = asset
    environment.filters["china"] = _china
    return environment


@cache
def asset(name: str) -> str:
    """The URL of a static file; new content is a new URL, so no cache serves a stale one."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def _china(at: datetime) -> str:
    """A time as people in China read it."""
    return f"{at.astimezone(CHINA):%Y-%m-%d %H:%M:%S}"
