"""The verification page without a network: its service worker, and the bundle that it knows by."""

import hashlib
from datetime import datetime
from functools import cache
from typing import Annotated, Final, Protocol, cast

from fastapi import APIRouter, Depends, Request, Response

from server.pages import render
from trust.dependencies import Now, described, publication

router = APIRouter()

#: In the order in which the page loads them.
SCRIPTS: Final = (
    "vendor/sm2.js", "offline/bytes.js", "offline/signatures.js", "offline/claim.js",
    "offline/knowledge.js", "offline/judge.js", "offline/store.js", "offline/scan.js",
    "offline/page.js", "verify.js",
)  # fmt: skip
#: Loaded when a picture is first looked at: by the name the page knows each by.
LIBRARIES: Final = {
    "zxing": "vendor/zxing.js", "zxing-wasm": "vendor/zxing.wasm", "jsqr": "vendor/jsqr.js",
}  # fmt: skip
_OTHERS: Final = ("site.css", "favicon.svg", "verify.webmanifest")
MAX_AGE: Final = 60
#: What the page itself may find (static/offline/judge.js); the sentences are the service's own.
CODES: Final = (
    "claim_well_formed", "claim_malformed", "claim_version", "algorithm_refused", "claim_forged",
    "claim_signer_unknown", "claim_region_mismatch", "claim_valid", "not_yet_valid", "expired",
    "on_list", "not_on_list", "region_known", "region_unknown", "list_stale", "in_force", "void",
    "suspended", "other_state", "state_unknown", "dates_valid", "dates_not_yet", "dates_over",
    "issued_in_future", "copy_in_force", "copy_expired", "copy_from_future",
)  # fmt: skip
#: The strict policy of every page, and what a service worker and WebAssembly need besides.
CSP: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
    "img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; worker-src 'self'; "
    "manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class Bundles(Protocol):
    """The region's offline bundle."""

    def document(self, *, at: datetime) -> bytes:
        """Signed a quarter of an hour ago at most, and after every change of a state."""
        ...


def _bundles(request: Request) -> Bundles:
    return cast(Bundles, request.app.state.offline_bundles)


@router.get(
    "/offline/bundle",
    tags=["公开数据 publications"],
    summary="离线核验资料 / What offline verification needs",
    response_class=Response,
    responses=described("application/json", type="object"),
)
def read_offline_bundle(
    request: Request, bundles: Annotated[Bundles, Depends(_bundles)], now: Now
) -> Response:
    """各地区的信任列表与状态列表，带分离式 JWS 签名，供没有网络时核验。

    The trust lists and status lists of this region and those it trusts, with a detached JWS, for
    verifying without a network.
    """
    document = bundles.document(at=now())
    return publication(request, document, media_type="application/json", max_age=MAX_AGE)


@router.get("/sw.js", include_in_schema=False)
def read_service_worker() -> Response:
    """Asked for anew at every visit: a new page is a new worker."""
    headers = {"Cache-Control": "no-cache"}
    return Response(_worker(), media_type="text/javascript", headers=headers)


@cache
def _worker() -> str:
    names = (*SCRIPTS, *LIBRARIES.values(), *_OTHERS)
    addresses = ["/verify", *(render.asset(name) for name in names)]
    template = (render.TEMPLATES / "sw.js").read_bytes() + (
        render.TEMPLATES / "verify.html"
    ).read_bytes()
    version = hashlib.sha256(" ".join(addresses).encode() + template).hexdigest()[:16]
    return render.text("sw.js", version=version, addresses=addresses)
