"""The identity pages, for `server.app`: routers, and the error page of the OAuth endpoints."""

from fastapi import APIRouter

from server.pages import (
    account,
    account_agents,
    account_certificate,
    account_closing,
    account_contact,
    account_credentials,
    administration,
    administration_people,
    consent,
    desk,
    desk_certificates,
    desk_crls,
    desk_health,
    desk_ledger,
    desk_seal_requests,
    desk_seal_uses,
    desk_seals,
    device_page,
    registration,
    sign_in,
    sign_in_certificate,
    sign_in_enrol,
    sign_in_passkey,
    sign_in_qr,
    sign_in_renew,
    signing_out,
    upstream,
)
from server.pages.flow import render_form_post
from server.pages.route import render_error
from server.pages.signing_out import render_logged_out, render_logout

__all__ = ["render_error", "render_form_post", "render_logged_out", "render_logout", "routers"]

_PAGES = (
    sign_in, sign_in_passkey, sign_in_certificate, sign_in_qr, sign_in_enrol, sign_in_renew,
    consent, registration, account, account_credentials, account_certificate, account_contact,
    account_closing, account_agents, desk, device_page, signing_out, administration,
    administration_people, upstream, desk_seals, desk_seal_requests, desk_seal_uses,
    desk_ledger, desk_certificates, desk_crls, desk_health,
)  # fmt: skip
routers: tuple[APIRouter, ...] = (*(each.router for each in _PAGES), upstream.logout_router)
