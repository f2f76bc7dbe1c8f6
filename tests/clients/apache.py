"""An Apache of the tests' own: one folder, loopback only, in the foreground, nobody's rights."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.clients.served import Registered
from tests.tools import find_tool, missing_tool

MODULES = Path("/usr/lib/apache2/modules")
_LOADED = (
    "mpm_event", "unixd", "authn_core", "authz_core", "authz_user", "mime", "dir", "headers",
    "auth_openidc",
)  # fmt: skip
_START = 20
_SERVER = """
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
PidFile "{folder}/pid"
Mutex file:{folder}
ErrorLog "{folder}/error.log"
LogLevel warn auth_openidc:info
TypesConfig /dev/null
ServerName localhost
{loaded}
{sites}
"""
_SITE = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  ServerName localhost:{port}
  DocumentRoot "{folder}/www"
  OIDCProviderMetadataURL {issuer}/.well-known/openid-configuration
  OIDCClientID {client.client_id}
  OIDCClientSecret {client.client_secret}
  OIDCRedirectURI {client.redirect_uri}
  OIDCCryptoPassphrase {port}-for-tests-only
  OIDCScope "openid profile offline_access"
  OIDCAuthRequestParams prompt=consent
  OIDCPKCEMethod S256
  OIDCCookie session_{port}
  OIDCPassRefreshToken On
  <Location /protected>
    AuthType openid-connect
    Require valid-user
    Header set X-Sub "%{{OIDC_CLAIM_sub}}e"
    Header set X-Access-Token "%{{OIDC_access_token}}e"
  </Location>
  <Directory "{folder}/www">
    Require all granted
  </Directory>
</VirtualHost>
"""


@dataclass(frozen=True, slots=True)
class Site:
    """One protected site: its port, and the client that it is at the provider."""

    port: int
    client: Registered

    @property
    def page(self) -> str:
        return f"http://localhost:{self.port}/protected/index.txt"


def callback(port: int) -> str:
    return f"http://localhost:{port}/protected/callback"


def left(port: int) -> str:
    return f"http://localhost:{port}/left.txt"


@contextmanager
def serving(issuer: str, sites: Sequence[Site]) -> Iterator[Path]:
    """Apache until the block ends; gives its error log."""
    program = find_tool("apache2", Path("/usr/sbin"))
    if not (MODULES / "mod_auth_openidc.so").exists():
        missing_tool("libapache2-mod-auth-openidc is not installed")
    folder = Path(tempfile.mkdtemp(prefix="trust-apache-"))
    _lay_out(folder, issuer, sites)
    user = "nobody" if os.geteuid() == 0 else None
    if user is not None:
        for path in (folder, *folder.rglob("*")):
            shutil.chown(path, user)
    group = "nogroup" if user is not None else None
    process = subprocess.Popen(
        [program, "-f", str(folder / "httpd.conf"), "-DFOREGROUND"], cwd=folder, user=user,
        group=group, extra_groups=[] if user is not None else None,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        _wait(process, left(sites[0].port))
        yield folder / "error.log"
    finally:
        process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _lay_out(folder: Path, issuer: str, sites: Sequence[Site]) -> None:
    (folder / "www" / "protected").mkdir(parents=True)
    (folder / "www" / "protected" / "index.txt").write_text("inside\n")
    (folder / "www" / "left.txt").write_text("left\n")
    loaded = [
        f"LoadModule {name}_module {MODULES}/mod_{name}.so"
        for name in _LOADED
        if (MODULES / f"mod_{name}.so").exists()  # some are compiled in
    ]
    pages = [
        _SITE.format(port=site.port, folder=folder, issuer=issuer, client=site.client)
        for site in sites
    ]
    text = _SERVER.format(folder=folder, loaded="\n".join(loaded), sites="".join(pages))
    (folder / "httpd.conf").write_text(text)


def _wait(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    assert process.stderr is not None
    process.terminate()
    raise AssertionError(f"Apache did not come up: {process.stderr.read().decode()}")
