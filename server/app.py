"""The composition root over HTTP: settings in, an application out. Nothing is opened before the
lifespan begins, so that its description can be written without keys or database."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import anyio.to_thread
from fastapi import FastAPI

from ca.ocsp import Responder
from ca.router import router as ca_router
from ca.router_admin import router as ca_admin_router
from ca.timestamp import Stamper
from certificates import public_log, registry
from certificates.router import router as certificates_router
from certificates.router_applications import router as applications_router
from seal.router import router as seal_router
from seal.router_uses import router as seal_uses_router
from server import description, health, middleware, problems, provision, provision_seals
from server.identity import CertificateHeader, open_provider
from server.identity_upkeep import IdentityUpkeep
from server.pages import docs, identity, static
from server.pages import verify as verify_page
from server.platform import Platform
from server.published import SignedCheckpoints, SignedTrustLists
from server.upkeep import Upkeep
from sso import authenticate, tally
from sso.router_administration import router as administration_router
from sso.router_authorize import router as authorize_router
from sso.router_tokens import router as tokens_router
from trust.audit_queue import AuditQueue
from trust.clock import Clock, utc_now
from trust.crypto import sm2
from trust.router import router as trust_router
from trust.settings import Settings

_logger = logging.getLogger("trust.server")


def create_app(
    settings: Settings, *, clock: Clock = utc_now, platform: Platform | None = None
) -> FastAPI:
    """The application; `platform` is for those who have opened one already."""
    opened = platform or Platform(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await anyio.to_thread.run_sync(open_platform, opened, clock)
        async with _working(app, opened, clock):
            yield
        if platform is None:
            opened.engine.dispose()

    app = FastAPI(
        title=description.TITLE, description=description.DESCRIPTION,
        version=description.VERSION, lifespan=lifespan,
        docs_url=None, redoc_url=None, openapi_url=None,
        responses={"default": problems.DESCRIPTION},
        generate_unique_id_function=lambda route: route.name,
    )  # fmt: skip
    _add_middleware(app, settings)
    problems.add_handlers(app)
    # Routes are tried in their order: the busiest come first.
    for router in (
        tokens_router, authorize_router, certificates_router, applications_router, ca_router,
        trust_router, administration_router, ca_admin_router, seal_router, seal_uses_router,
        health.router,
    ):  # fmt: skip
        app.include_router(router)
    for router in identity.routers:
        app.include_router(router)
    app.include_router(verify_page.router)
    app.include_router(docs.router)
    static.mount(app)
    description.complete(app)
    return app


@asynccontextmanager
async def _working(app: FastAPI, platform: Platform, clock: Clock) -> AsyncIterator[None]:
    """What works beside the requests; at the end whatever still waits is written."""
    audit = AuditQueue(platform.sessions)
    _put_state(app, platform, audit=audit, clock=clock)
    upkeep, identity_upkeep = Upkeep(platform, clock), IdentityUpkeep(app.state.provider)
    for each in (audit, upkeep, identity_upkeep):
        each.start()
    try:
        yield
    finally:
        for last in (
            identity_upkeep.stop, upkeep.stop, partial(tally.flush, app.state.provider), audit.stop,
        ):  # fmt: skip
            await anyio.to_thread.run_sync(last)


def open_platform(platform: Platform, clock: Clock) -> None:
    """What must hold before the first request: keys open, a region lives here, nothing half-issued
    is left. Raises what is wrong (a passphrase, a missing region) instead of serving without it."""
    platform.keys.ids()
    _ = platform.knowledge
    given_up = provision.recover(platform, at=clock())
    if given_up:
        _logger.warning("gave up %d half-made licences: %s", len(given_up), ", ".join(given_up))
    engine = sm2.engine()
    if "portable" in engine:
        _logger.warning("!!! SM2 BY %s: NOTHING CAN BE SIGNED, AND VERIFYING IS SLOW !!!", engine)
    else:
        _logger.info("SM2 by %s", engine)


def _put_state(app: FastAPI, platform: Platform, *, audit: AuditQueue, clock: Clock) -> None:
    """The values that the routers of every floor ask for (`trust.dependencies`)."""
    state = app.state
    state.platform, state.clock = platform, clock
    state.base_url = platform.settings.base_url
    state.sessions, state.reading, state.keys = platform.sessions, platform.reading, platform.keys
    state.knowledge, state.audit = platform.knowledge, audit
    state.provider = open_provider(platform, audit=audit, clock=clock)
    state.authenticate = authenticate.caller
    state.client_certificate = CertificateHeader(platform.settings.client_certificate_header)
    state.render_error = identity.render_error
    state.render_form_post = identity.render_form_post
    state.render_logout = identity.render_logout
    state.render_logged_out = identity.render_logged_out
    state.workshop = platform.workshop
    state.seal_maker = partial(provision_seals.seal_maker, platform)
    state.owner_name = partial(provision_seals.owner_name, platform)
    state.fallback_font = platform.settings.fallback_font
    state.status_publisher = platform.status_publisher
    state.ocsp = Responder(platform.reading, platform.keys)
    state.stamper = Stamper(
        platform.sessions, platform.reading, platform.keys, clock=clock,
        policy=platform.settings.tsa_policy,
    )  # fmt: skip
    with platform.reading() as session:
        state.region_name = registry.region(session).name
    state.trust_lists = SignedTrustLists(platform)
    state.checkpoints, state.proved_logs = SignedCheckpoints(platform), frozenset({public_log.LOG})


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last one added is the outermost."""
    app.add_middleware(middleware.BodyLimit, limit=settings.body_limit)
    app.add_middleware(middleware.RateLimit)
    app.add_middleware(middleware.Requests)
    app.add_middleware(middleware.SecurityHeaders, https=settings.base_url.startswith("https:"))
