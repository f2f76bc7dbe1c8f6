"""The identity provider opened over a platform: what `sso` is blind to is handed to it here."""

from datetime import datetime

from fastapi import Request
from pydantic import SecretStr

from ca import particulars as china
from server.platform import Platform
from sso import messages, mutual_tls, registry_checks
from sso.certificate_login import JudgedCertificate
from sso.messages import FileMessages, Messages
from sso.outgoing import Outgoing
from sso.particulars import CITIZEN_ID, USCC
from sso.passwords import Hasher
from sso.policy import Policy
from sso.provider import Provider
from trust import chain
from trust.audit_queue import AuditQueue
from trust.clock import Clock
from trust.crypto import x509
from trust.crypto.errors import Malformed, UnknownAlgorithm
from trust.crypto.hashes import sha256
from trust.errors import Unauthenticated
from trust.settings import Settings

#: Extensions of GM/T 0015-2012 that hold the one key of an account (names of ca/extensions.toml).
_KEYS = {
    "resident-id": CITIZEN_ID, "organization-code": USCC, "social-credit-code": USCC,
}  # fmt: skip
#: RFC 5280, 4.2.1.12: a certificate that says what it is for must say this, so that no key that
#: seals documents ever signs a login.
CLIENT_AUTH = "1.3.6.1.5.5.7.3.2"


def open_provider(platform: Platform, *, audit: AuditQueue, clock: Clock) -> Provider:
    """The provider of this deployment."""
    settings = platform.settings
    return Provider(
        issuer=settings.issuer_url, sessions=platform.sessions, reading=platform.reading,
        keys=platform.keys, vault=platform.vault, clock=clock, policy=policy_of(settings),
        audit=audit, checks=_checks(settings), messages=_messages(settings),
        judge=CertificateJudge(platform), hasher=Hasher(),
        outgoing=Outgoing(allow_private=settings.allow_private_callbacks),
    )  # fmt: skip


def policy_of(settings: Settings) -> Policy:
    token: SecretStr | None = settings.initial_access_token
    return Policy(
        strong_level=settings.strong_level, administrators_by_key=settings.administrators_by_key,
        initial_access_token=token.get_secret_value() if token else None,
        allow_private_callbacks=settings.allow_private_callbacks, development=settings.local,
        certificate_header=bool(settings.client_certificate_header),
    )  # fmt: skip


def _checks(settings: Settings) -> registry_checks.Checks:
    """Simulated registries on somebody's own machine; elsewhere none, until adapters exist."""
    if settings.local:
        return registry_checks.simulated(settings.home)
    return registry_checks.absent()


def _messages(settings: Settings) -> Messages:
    if settings.message_spool is not None:
        return FileMessages(settings.message_spool)
    if settings.local:
        return FileMessages(settings.home / "messages.jsonl")
    return messages.Nobody()


class CertificateJudge:
    """Certificates that log in are judged as those that seal are: a chain to a root trusted here,
    not revoked now."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def __call__(
        self, leaf: bytes, chain_der: tuple[bytes, ...], at: datetime
    ) -> JudgedCertificate:
        """Unauthenticated unless every leg of the judgement passes: unknown is not good enough."""
        try:
            certificate = x509.parse_certificate(leaf)
            extra = tuple(x509.parse_certificate(each) for each in chain_der[:8])
            purposes = x509.extended_key_usage(certificate)
        except (Malformed, UnknownAlgorithm) as error:
            raise Unauthenticated("the certificate cannot be read") from error
        found = chain.judge(
            "", certificate, store=self._platform.knowledge.store, at=at, now=at, purpose=None,
            extra=extra,
        )  # fmt: skip
        if not chain.all_passed(found) or (purposes is not None and CLIENT_AUTH not in purposes):
            raise Unauthenticated("the certificate is not trusted here")
        return JudgedCertificate(
            subject_key=_subject_key(certificate), name=x509.name_text(certificate.subject),
            fingerprint=sha256(leaf), spki=certificate.spki,
        )  # fmt: skip


def _subject_key(certificate: x509.Certificate) -> tuple[str, str] | None:
    for name, text in china.read(certificate):
        if name in _KEYS:
            return _KEYS[name], text
    return None


class CertificateHeader:
    """Reads the TLS certificate of a client out of the proxy's header (sso.mutual_tls). Without a
    configured header nothing is read: anybody could have sent it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, request: Request) -> bytes | None:
        """DER, or None; Malformed for garbage."""
        return mutual_tls.certificate(request.headers, name=self._name)
