"""Whom this deployment reports its catalogue to, as its settings say."""

from certificates.feeds.reporting_counts import Asked
from certificates.feeds.reporting_send import FileSuperior, HttpSuperior, Reporter, Superior
from server.platform import Platform
from sso.outgoing import Outgoing
from trust.clock import Clock


def superior(platform: Platform, clock: Clock) -> Superior | None:
    """None where there is none. The address is the operator's own: private ones are allowed."""
    settings = platform.settings
    if settings.report_directory is not None:
        return FileSuperior(settings.report_directory)
    if not settings.report_url or settings.report_secret is None:
        return None
    return HttpSuperior(
        settings.report_url.rstrip("/"), settings.report_rid,
        settings.report_secret.get_secret_value().encode(),
        Outgoing(allow_private=True).post, clock,
    )  # fmt: skip


def reporter(platform: Platform, clock: Clock) -> Reporter | None:
    found = superior(platform, clock)
    if found is None:
        return None
    return Reporter(platform.sessions, platform.reading, platform.vault, found, clock)


def ask(platform: Platform, clock: Clock) -> Asked | None:
    """How the superior is asked for its counts; None where it cannot be."""
    found = superior(platform, clock)
    return found.ask if isinstance(found, HttpSuperior) else None
