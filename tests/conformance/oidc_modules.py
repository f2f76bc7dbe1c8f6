"""The modules of the OpenID Foundation's OP plans that are asserted here, in their order.

Read from openid-certification/conformance-suite, commit 12f2a4da (2026-08-20).
"""

import ast
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """`file` is where its tests are; `modules` by their names in the suite."""

    title: str
    name: str
    file: str
    modules: tuple[str, ...]

    def missing(self) -> set[str]:
        """Modules that no test of the file bears the name of."""
        tree = ast.parse((Path(__file__).parent / self.file).read_text(encoding="utf-8"))
        written = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        return {name for name in self.modules if name_of(name) not in written}


def name_of(module: str) -> str:
    """The function's name: hyphens are underscores, all in small letters."""
    return "test_" + module.replace("-", "_").lower()


PLANS = (
    Plan(
        "Basic OP",
        "oidcc-basic-certification-test-plan",
        "test_basic.py",
        (
            "oidcc-server",
            "oidcc-response-type-missing",
            "oidcc-idtoken-signature",
            "oidcc-idtoken-unsigned",
            "oidcc-userinfo-get",
            "oidcc-userinfo-post-header",
            "oidcc-userinfo-post-body",
            "oidcc-ensure-request-without-nonce-succeeds-for-code-flow",
            "oidcc-scope-profile",
            "oidcc-scope-email",
            "oidcc-scope-address",
            "oidcc-scope-phone",
            "oidcc-scope-all",
            "oidcc-alternate-happy-flow",
            "oidcc-display-page",
            "oidcc-display-popup",
            "oidcc-prompt-login",
            "oidcc-prompt-none-not-logged-in",
            "oidcc-prompt-none-logged-in",
            "oidcc-max-age-1",
            "oidcc-max-age-10000",
            "oidcc-ensure-request-with-unknown-parameter-succeeds",
            "oidcc-id-token-hint",
            "oidcc-login-hint",
            "oidcc-ui-locales",
            "oidcc-claims-locales",
            "oidcc-ensure-request-with-acr-values-succeeds",
            "oidcc-codereuse",
            "oidcc-codereuse-30seconds",
            "oidcc-ensure-registered-redirect-uri",
            "oidcc-ensure-post-request-succeeds",
            "oidcc-server-client-secret-post",
            "oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported",
            "oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported",
            "oidcc-claims-essential",
            "oidcc-ensure-request-object-with-redirect-uri",
            "oidcc-refresh-token",
            "oidcc-ensure-request-with-valid-pkce-succeeds",
        ),
    ),
    Plan(
        "Config OP",
        "oidcc-config-certification-test-plan",
        "test_config.py",
        ("oidcc-discovery-endpoint-verification",),
    ),
    Plan(
        "Dynamic OP",
        "oidcc-dynamic-certification-test-plan",
        "test_dynamic.py",
        (
            "oidcc-idtoken-rs256",
            "oidcc-idtoken-unsigned",
            "oidcc-userinfo-rs256",
            "oidcc-ensure-redirect-uri-in-authorization-request",
            "oidcc-redirect-uri-query-OK",
            "oidcc-redirect-uri-query-mismatch",
            "oidcc-redirect-uri-query-added",
            "oidcc-redirect-uri-regfrag",
            "oidcc-discovery-endpoint-verification",
            "oidcc-server",
            "oidcc-registration-logo-uri",
            "oidcc-registration-policy-uri",
            "oidcc-registration-tos-uri",
            "oidcc-registration-jwks-uri",
            "oidcc-registration-sector-uri",
            "oidcc-registration-sector-bad",
            "oidcc-server-rotate-keys",
            "oidcc-refresh-token-rp-key-rotation",
            "oidcc-request-uri-unsigned",
            "oidcc-request-uri-signed-rs256",
            "oidcc-ensure-request-object-with-redirect-uri",
            "oidcc-refresh-token",
            "oidcc-ensure-client-assertion-with-iss-aud-succeeds",
        ),
    ),
    Plan(
        "RP-Initiated Logout OP",
        "oidcc-rp-initiated-logout-certification-test-plan",
        "test_rp_initiated_logout.py",
        (
            "oidcc-rp-initiated-logout-discovery-endpoint-verification",
            "oidcc-rp-initiated-logout",
            "oidcc-rp-initiated-logout-bad-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-modified-id-token-hint",
            "oidcc-rp-initiated-logout-no-id-token-hint",
            "oidcc-rp-initiated-logout-no-params",
            "oidcc-rp-initiated-logout-no-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-no-state",
            "oidcc-rp-initiated-logout-only-state",
            "oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri",
            "oidcc-rp-initiated-logout-bad-id-token-hint",
        ),
    ),
    Plan(
        "Back-Channel Logout OP",
        "oidcc-backchannel-rp-initiated-logout-certification-test-plan",
        "test_backchannel_logout.py",
        (
            "oidcc-backchannel-logout-discovery-endpoint-verification",
            "oidcc-backchannel-rp-initiated-logout",
        ),
    ),
    Plan(
        "Front-Channel Logout OP",
        "oidcc-frontchannel-rp-initiated-logout-certification-test-plan",
        "test_frontchannel_logout.py",
        (
            "oidcc-frontchannel-logout-discovery-endpoint-verification",
            "oidcc-frontchannel-rp-initiated-logout",
        ),
    ),
    Plan(
        "3rd Party-Init Login OP",
        "oidcc-3rdparty-init-login-certification-test-plan",
        "test_third_party_init.py",
        (
            "oidcc-3rd_party-init-login",
            "oidcc-3rd_party-init-login-nohttps",
        ),
    ),
)
