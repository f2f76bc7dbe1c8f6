"""The composition root over HTTP: settings in, an application out. Nothing is opened before the
lifespan begins, so that its description can be written without keys or database."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import anyio.to_thread
from fastapi import FastAPI

from ca.ocsp import Responder
from ca.router import router as ca_router
from ca.router_admin import router as ca_admin_router
from ca.timestamp import Stamper
from certificates import public_log, registry
from certificates.applications.router import router as applications_router
from certificates.applications.router_decisions import router as decisions_router
from certificates.applications.router_issuing_grants import router as issuing_grants_router
from certificates.bulk.router import router as bulk_router
from certificates.evidence import Knowledge
from certificates.feeds.counters import Counters
from certificates.feeds.router import router as feeds_router
from certificates.feeds.router_reporting import router as reporting_router
from certificates.feeds.router_webhooks import router as webhooks_router
from certificates.licence_types.router import router as types_router
from certificates.regions.router_exchange import router as exchange_router
from certificates.regions.router_lists import router as lists_router
from certificates.router import router as certificates_router
from certificates.router_licences import router as licences_router
from certificates.router_log import router as log_router
from certificates.share.library import Library
from certificates.share.router import router as share_router
from certificates.share.router_gbt36906 import router as gbt36906_router
from certificates.status.router import router as status_router
from certificates.wallet.router import router as wallet_router
from certificates.wallet.router_showings import router as showings_router
from seal.router import router as seal_router
from seal.router_uses import router as seal_uses_router
from server import (
    description,
    health,
    holders,
    middleware,
    peers,
    problems,
    provision,
    provision_seals,
)
from server.archiving import archivist
from server.bulk_runner import BulkRunner
from server.feeds import Feeds
from server.holders import copy_workshop
from server.identity import CertificateHeader, open_provider
from server.identity_upkeep import IdentityUpkeep
from server.offline import SignedBundles
from server.pages import docs, identity, static
from server.pages import offline as offline_page
from server.pages import verify as verify_page
from server.platform import Platform
from server.published import SignedCheckpoints, SignedTrustLists
from server.upkeep import Upkeep
from server.witnessing import RegionWitness
from sso import authenticate, tally
from sso.router_administration import router as administration_router
from sso.router_authorize import router as authorize_router
from sso.router_tokens import router as tokens_router
from trust.audit_queue import AuditQueue
from trust.clock import Clock, utc_now
from trust.crypto import sm2
from trust.revocation_kept import KeptFor
from trust.router import router as trust_router
from trust.router_witness import router as witness_router
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
        certificates_router,
        tokens_router, authorize_router, status_router, log_router,
        witness_router,
        lists_router,
        bulk_router,
        applications_router, decisions_router, licences_router, types_router,
        issuing_grants_router, ca_router,
        share_router, gbt36906_router,
        trust_router, administration_router, ca_admin_router, seal_router, seal_uses_router,
        wallet_router, showings_router, feeds_router, exchange_router,
        webhooks_router, reporting_router, health.router,
    ):  # fmt: skip
        app.include_router(router)
    for router in identity.routers:
        app.include_router(router)
    app.include_router(verify_page.router)
    app.include_router(offline_page.router)
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
    feeds, bulk_runner = Feeds(platform, clock), BulkRunner(platform, clock)
    for each in (audit, upkeep, identity_upkeep, feeds, bulk_runner):
        each.start()
    try:
        yield
    finally:
        for last in (
            bulk_runner.stop, feeds.stop, identity_upkeep.stop, upkeep.stop,
            partial(tally.flush, app.state.provider), audit.stop,
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
    state.knowledge, state.audit = _kept(platform.knowledge), audit
    state.provider = open_provider(platform, audit=audit, clock=clock)
    state.authenticate = authenticate.caller
    state.client_certificate = CertificateHeader(platform.settings.client_certificate_header)
    state.render_error = identity.render_error
    state.render_form_post = identity.render_form_post
    state.render_logout = identity.render_logout
    state.render_logged_out = identity.render_logged_out
    state.workshop, state.vault = platform.workshop, platform.vault
    state.archivist, state.counters = partial(archivist, platform), Counters()
    state.allow_private_callbacks = platform.settings.allow_private_callbacks
    state.wallet = partial(holders.wallet, platform, state.provider, audit)
    state.seal_maker = partial(provision_seals.seal_maker, platform)
    state.owner_name = partial(provision_seals.owner_name, platform)
    state.share_library = Library(
        sessions=platform.sessions, reading=platform.reading, vault=platform.vault,
        store=platform.store, knowledge=platform.knowledge, queue=audit,
        workshops=partial(copy_workshop, platform),
    )  # fmt: skip
    state.fallback_font = platform.settings.fallback_font
    state.status_publisher = platform.status_publisher
    state.status_forms = platform.status_forms
    state.offline_bundles = SignedBundles(platform, peers.PeerEntries(platform))
    state.answering, state.asking = peers.answering(platform), peers.asking(platform)
    state.witness = RegionWitness(platform, platform.lists, clock)
    state.ocsp = Responder(platform.reading, platform.keys)
    state.stamper = Stamper(
        platform.sessions, platform.reading, platform.keys, clock=clock,
        policy=platform.settings.tsa_policy,
    )  # fmt: skip
    with platform.reading() as session:
        state.region_name = registry.region(session).name
    state.trust_lists = SignedTrustLists(platform)
    state.checkpoints, state.proved_logs = SignedCheckpoints(platform), frozenset({public_log.LOG})


def _kept(knowledge: Knowledge) -> Knowledge:
    """Whoever verifies at a service that many ask sees a certificate's revocation a second later
    at most; a licence's own state is read each time."""
    store = knowledge.store
    return replace(knowledge, store=replace(store, revocation=KeptFor(store.revocation)))


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """The last one added is the outermost."""
    app.add_middleware(middleware.BodyLimit, limit=settings.body_limit)
    app.add_middleware(
        middleware.RateLimit, verifying=middleware.rate(settings.verifying_per_second)
    )
    app.add_middleware(middleware.Requests)
    app.add_middleware(middleware.SecurityHeaders, https=settings.base_url.startswith("https:"))
