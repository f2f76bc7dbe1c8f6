"""The identity pages, for `server.app`: routers, and the error page of the OAuth endpoints."""

from fastapi import APIRouter

from server.pages import (
    account,
    account_agents,
    account_certificate,
    account_closing,
    account_contact,
    account_credentials,
    admin_items,
    admin_type_editor,
    admin_types,
    administration,
    administration_feeds,
    administration_people,
    administration_reporting,
    administration_share,
    administration_trust,
    consent,
    desk,
    desk_bulk,
    desk_cases,
    desk_cases_entry,
    desk_certificates,
    desk_crls,
    desk_disputes,
    desk_health,
    desk_ledger,
    desk_licences,
    desk_seal_requests,
    desk_seal_uses,
    desk_seals,
    desk_showing,
    device_page,
    office,
    office_calls,
    office_scan,
    registration,
    sign_in,
    sign_in_certificate,
    sign_in_enrol,
    sign_in_passkey,
    sign_in_qr,
    sign_in_renew,
    signing_out,
    upstream,
    wallet,
    wallet_entrust,
    wallet_looks,
    wallet_share,
    wallet_show,
)
from server.pages.flow import render_form_post
from server.pages.route import render_error
from server.pages.signing_out import render_logged_out, render_logout

__all__ = ["render_error", "render_form_post", "render_logged_out", "render_logout", "routers"]

_PAGES = (
    admin_items, admin_type_editor, admin_types,
    sign_in, sign_in_passkey, sign_in_certificate, sign_in_qr, sign_in_enrol, sign_in_renew,
    consent, registration, account, account_credentials, account_certificate, account_contact,
    account_closing, account_agents, desk, desk_cases_entry, desk_cases,
    desk_licences, device_page, signing_out, administration,
    administration_people, administration_trust, upstream, administration_feeds,
    administration_reporting, desk_seals, desk_seal_requests,
    desk_seal_uses,
    desk_ledger, desk_certificates, desk_crls, desk_health, office, office_scan, office_calls,
    desk_bulk, administration_share,
    wallet, wallet_show, wallet_share, wallet_entrust, wallet_looks, desk_showing,
    desk_disputes,
)  # fmt: skip
routers: tuple[APIRouter, ...] = (
    *(each.router for each in _PAGES), upstream.logout_router, office_scan.public,
)  # fmt: skip
