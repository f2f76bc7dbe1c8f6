"""All the configuration there is. Read once, at the edge, and handed down as values."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from trust.errors import Invalid

#: Made by `trust demo` only.
DEMO_PASSPHRASE = "demo-passphrase"  # noqa: S105 - the name of a file
#: The base URL is printed in every QR code for good; docs/qr.md counts its characters.
BASE_URL_MAX = 40
_ADDRESS = r"^(https?://[!-~]{1,300})?$"


class NoPassphrase(Invalid):
    code = "no_passphrase"


class Settings(BaseSettings):
    """Environment `TRUST_*`. No default where a wrong one would be dangerous."""

    model_config = SettingsConfigDict(env_prefix="TRUST_", frozen=True, extra="ignore")

    home: Path = Path("build/demo")
    database_url: str = ""
    key_passphrase: SecretStr | None = None
    pkcs11_module: Path | None = None
    pkcs11_token: str = ""
    pkcs11_pin: SecretStr | None = None
    base_url: str = "http://localhost:8000"
    #: The identity provider's name (OIDC Discovery 1.0, section 3); the base URL when empty.
    issuer: str = ""
    development: bool = False
    host: str = "127.0.0.1"
    port: int = 8000
    #: Proxies whose X-Forwarded-For is believed: addresses or networks, with commas; empty: nobody.
    proxies: str = "127.0.0.1,::1"
    body_limit: int = 20 * 1024 * 1024
    #: Verifications and time-stamps that one address may ask for a second, after thirty times as
    #: many at once; a gateway in front that all of a region's offices come through needs more.
    verifying_per_second: Annotated[float, Field(gt=0, le=1_000_000)] = 10.0
    status_lifetime: timedelta = timedelta(hours=24)
    reservation_lease: timedelta = timedelta(seconds=120)
    fallback_font: Path | None = None
    #: From this level of assurance on a login must include a cryptographic factor.
    strong_level: Annotated[int, Field(ge=1, le=3)] = 3
    #: Seal and CA administrators log in with a passkey or certificate; off: TOTP will do.
    administrators_by_key: bool = True
    #: RFC 7591: whoever holds this token may register clients; unset, nobody may.
    initial_access_token: SecretStr | None = None
    #: jwks_uri, sector documents and logout calls may reach private addresses.
    allow_private_callbacks: bool = False
    #: The header in which the proxy hands over a client's TLS certificate (RFC 9440); empty: none.
    client_certificate_header: Annotated[str, Field(pattern=r"^([A-Za-z][A-Za-z0-9-]{0,60})?$")] = (
        ""
    )
    #: A file that takes text messages and e-mails, a JSON line each, for a gateway to send. In
    #: development `messages.jsonl` in the home.
    message_spool: Path | None = None
    #: The OID of the rules that time-stamps are made under (RFC 3161, TSAPolicyId).
    tsa_policy: Annotated[str, Field(pattern=r"^[0-2](\.(0|[1-9][0-9]{0,38})){2,20}$")] = (
        "2.25.313635862982892234263571078073398000288.16"
    )
    #: Outside time-stamp authorities (RFC 3161 over HTTP) for SM2 and for RSA seals; empty: ours.
    #: Their CAs must have been taken in as outside CAs.
    time_stamp_url_sm2: Annotated[str, Field(pattern=_ADDRESS)] = ""
    time_stamp_url_rsa: Annotated[str, Field(pattern=_ADDRESS)] = ""
    #: RabbitMQ (amqp://), through which bulk jobs go to `trust worker`; unset: this machine alone.
    broker_url: SecretStr | None = None
    #: Processes that work a bulk job off on this machine; 0: one for each core.
    bulk_processes: Annotated[int, Field(ge=0, le=256)] = 0

    #: The superior that the catalogue is reported to, and who we are there; empty: none.
    report_url: Annotated[str, Field(pattern=_ADDRESS)] = ""
    report_rid: Annotated[str, Field(pattern=r"^[!-~]{0,64}$")] = ""
    report_secret: SecretStr | None = None
    #: A directory that takes batches as files, where no superior can be called.
    report_directory: Path | None = None

    @model_validator(mode="after")
    def _refuse_half_a_superior(self) -> Self:
        if not self.report_url:
            return self
        if not self.report_rid or self.report_secret is None or self.report_directory is not None:
            raise ValueError(
                "TRUST_REPORT_URL needs TRUST_REPORT_RID and TRUST_REPORT_SECRET, and no "
                "TRUST_REPORT_DIRECTORY"
            )
        if self.report_url.startswith("http:") and not self.development:
            raise ValueError("TRUST_REPORT_URL must be https outside development")
        return self

    @model_validator(mode="after")
    def _refuse_bad_base_url(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme not in ("http", "https") or not parts.netloc or self.base_url.endswith("/"):
            raise ValueError("TRUST_BASE_URL must be an http(s) URL without a slash at its end")
        if len(self.base_url) > BASE_URL_MAX or not self.base_url.isascii():
            raise ValueError(f"TRUST_BASE_URL must be ASCII of at most {BASE_URL_MAX} characters")
        if parts.scheme == "http" and not self.development and parts.hostname != "localhost":
            raise ValueError("TRUST_BASE_URL must be https outside development")
        return self

    @model_validator(mode="after")
    def _refuse_bad_issuer(self) -> Self:
        parts = urlsplit(self.issuer)
        if not self.issuer:
            return self
        if parts.query or parts.fragment or not parts.netloc or self.issuer.endswith("/"):
            raise ValueError(
                "TRUST_ISSUER must be a URL without query, fragment or slash at its end"
            )
        if parts.scheme != "https" and not (parts.scheme == "http" and self.local):
            raise ValueError("TRUST_ISSUER must be https (OIDC Discovery 1.0, section 3)")
        return self

    @model_validator(mode="after")
    def _refuse_unusable_parts(self) -> Self:
        scheme = self.database_url.partition(":")[0].partition("+")[0]
        if scheme not in ("", "sqlite", "postgresql"):
            raise ValueError("TRUST_DATABASE_URL must be sqlite:/// or postgresql://")
        if self.pkcs11_module is not None and not (self.pkcs11_token and self.pkcs11_pin):
            raise ValueError("TRUST_PKCS11_TOKEN and TRUST_PKCS11_PIN are needed for a token")
        return self

    @property
    def database(self) -> str:
        """SQLAlchemy URL; the embedded default lives in `home`."""
        return self.database_url or f"sqlite:///{self.home / 'trust.db'}"

    @property
    def local(self) -> bool:
        """Whether this is somebody's own machine: development, or known as localhost only."""
        return self.development or urlsplit(self.issuer_url).hostname == "localhost"

    @property
    def issuer_url(self) -> str:
        return self.issuer or self.base_url

    @property
    def keys(self) -> Path:
        return self.home / "keys"

    def passphrase(self) -> SecretStr:
        """The passphrase of the soft key store; NoPassphrase when none was given.

        A demonstration keeps its own beside its keys (`trust demo` writes it), and nothing else
        ever should.
        """
        if self.key_passphrase is not None and self.key_passphrase.get_secret_value():
            return self.key_passphrase
        try:
            return SecretStr((self.home / DEMO_PASSPHRASE).read_text(encoding="ascii").strip())
        except OSError as error:
            raise NoPassphrase(
                "TRUST_KEY_PASSPHRASE is not set: the signing keys cannot be opened"
            ) from error
