"""Style, script and pictures: files of ours only, cached for a day and named by their content."""

import mimetypes

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response
from starlette.types import Scope

from server.pages.render import STATIC

# What the system's tables say of these differs; the types are part of the page's security.
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("image/svg+xml", ".svg")
mimetypes.add_type("application/wasm", ".wasm")
mimetypes.add_type("application/manifest+json", ".webmanifest")


class _Cached(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response


def mount(app: FastAPI) -> None:
    app.mount("/static", _Cached(directory=STATIC), name="static")
