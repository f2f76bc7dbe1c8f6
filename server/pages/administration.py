"""Administration of platforms (clients): listed, registered, changed, switched off.

System administrators only: `sso.clients` checks it for every change, this page for looking.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from server.pages import identity_words, show
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from sso import client_metadata, clients, registering
from sso.client import SECRET_METHODS, Client
from trust.access import Role
from trust.errors import Forbidden, Invalid, NotFound, TrustError

router = APIRouter(route_class=Page, include_in_schema=False)

PURPOSE = "admin"
PAGE = 50
AUTH_METHODS = (
    "client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth",
    "self_signed_tls_client_auth", "none",
)  # fmt: skip
#: Form fields that are one URL or a word, and those that are one URL a line.
_SINGLE = (
    "client_name", "token_endpoint_auth_method", "backchannel_logout_uri",
    "frontchannel_logout_uri", "policy_uri", "tos_uri", "scope",
)  # fmt: skip
_LINES = ("redirect_uris", "post_logout_redirect_uris")
_PLACES = (
    ("/admin/clients", "接入平台", "Clients", Role.SYSTEM_ADMIN),
    ("/admin/deliveries", "退出通知", "Logout notices", Role.SYSTEM_ADMIN),
    ("/admin/trust", "互认", "Recognition", Role.SYSTEM_ADMIN),
    ("/admin/types", "证照类型", "Licence types", Role.SYSTEM_ADMIN),
    ("/admin/items", "事项", "Service items", Role.SYSTEM_ADMIN),
    ("/admin/feeds", "事件推送", "Webhooks", Role.SYSTEM_ADMIN),
    ("/admin/reporting", "目录上报", "Reporting", Role.SYSTEM_ADMIN),
    ("/admin/counters", "计数", "Counters", Role.SYSTEM_ADMIN),
    ("/admin/people", "人员", "People", Role.SECURITY_ADMIN),
    ("/admin/share", "共享权限", "Sharing", Role.SECURITY_ADMIN),
    ("/admin/roles", "角色", "Roles", Role.SECURITY_ADMIN),
)


class BadJwks(Invalid):
    """The key set that was pasted is no JSON object."""

    code = "bad_jwks"


def admin_page(me: SignedIn, template: str, **values: Any) -> Response:
    places = [place[:3] for place in _PLACES if may_look(me, place[3])]
    return show.page(
        me.visitor, template, places=places, csrf=show.session_token(me, PURPOSE), **values
    )


def may_look(me: SignedIn, role: Role) -> bool:
    """Holders of the role may look, and audit administrators at everything."""
    return me.caller.has(role) or me.caller.has(Role.AUDIT_ADMIN)


def require(me: SignedIn, role: Role) -> None:
    if not may_look(me, role):
        raise Forbidden("this page is for administrators")


def check(me: SignedIn, form: Form) -> None:
    """A form of this session's page, by somebody who may change platforms."""
    show.check_session_form(me, form, PURPOSE)
    if not me.caller.has(Role.SYSTEM_ADMIN):
        raise Forbidden("platforms are registered by a system administrator")


@router.get("/admin/")
def show_first(me: Present) -> Response:
    """To the first page that this administrator has."""
    for path, _, _, role in _PLACES:
        if may_look(me, role):
            return show.onward(me.visitor, path)
    raise Forbidden("this page is for administrators")


@router.get("/admin/clients")
def list_clients(
    me: Present, q: Annotated[str, Query(max_length=100)] = "",
    after: Annotated[str, Query(max_length=100)] = "",
) -> Response:  # fmt: skip
    require(me, Role.SYSTEM_ADMIN)
    with me.provider.reading() as session:
        found = clients.page(session, after=after, text=q.strip(), limit=PAGE + 1)
    last = found[PAGE - 1].client_id if len(found) > PAGE else ""
    return admin_page(
        me, "admin_clients.html", here="/admin/clients", clients=found[:PAGE], q=q, after=last
    )


@router.get("/admin/client")
def show_client(me: Present, client_id: Annotated[str, Query(max_length=100)]) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    return _client_page(me, _find(me, client_id))


def _find(me: SignedIn, client_id: str) -> Client:
    # Not from the cache: an administrator sees what they have just changed.
    clients.forget(client_id)
    found = clients.find(me.provider.reading, client_id)
    if found is None:
        raise NotFound("there is no such client")
    return found


def _client_page(me: SignedIn, client: Client, **values: Any) -> Response:
    described = client_metadata.metadata_of(client)
    described |= {"fapi": client.fapi, "first_party": client.first_party}
    shown = [(name, _text(value)) for name, value in described.items() if value not in (None, "")]
    return admin_page(
        me, "admin_client.html", here="/admin/clients", client=None, platform=client,
        has_secret=client.auth_method in SECRET_METHODS, metadata=shown,
        **({"secret": None} | values),
    )  # fmt: skip


def _text(value: object) -> str:
    if isinstance(value, list):
        return "\n".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


@router.get("/admin/client/new")
def show_new(me: Present) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    return _form_page(me, {}, "/admin/client/new", ("登记平台", "Add a client"))


@router.get("/admin/client/edit")
def show_edit(me: Present, client_id: Annotated[str, Query(max_length=100)]) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    client = _find(me, client_id)
    metadata = client_metadata.metadata_of(client)
    values = {name: str(metadata.get(name) or "") for name in _SINGLE}
    for name in _LINES:
        values[name] = _text(metadata.get(name) or [])
    jwks = metadata.get("jwks")
    values["jwks"] = json.dumps(jwks, ensure_ascii=False, indent=1) if jwks else ""
    return _form_page(
        me, values, "/admin/client/edit", ("修改平台", "Edit a client"), client_id=client_id
    )


def _form_page(
    me: SignedIn, values: Mapping[str, str], action: str, heading: tuple[str, str], *,
    client_id: str = "", trouble: tuple[str, str] | None = None,
) -> Response:  # fmt: skip
    empty = dict.fromkeys((*_SINGLE, *_LINES, "jwks", "fapi", "first_party"), "")
    return admin_page(
        me, "admin_client_form.html", here="/admin/clients", action=action, heading=heading,
        values=empty | {"token_endpoint_auth_method": AUTH_METHODS[0]} | dict(values),
        auth_methods=AUTH_METHODS, client_id=client_id, trouble=trouble,
    )  # fmt: skip


@router.post("/admin/client/new")
def add_client(me: Present, form: Posted) -> Response:
    check(me, form)
    fapi, first_party = bool(form.text("fapi")), bool(form.text("first_party"))
    try:
        metadata = _metadata(form)
        _ask_sector(me, metadata, "new", fapi=fapi)
        with me.provider.sessions.begin() as session:
            added = clients.add(
                session, metadata, by=me.caller, at=me.at, policy=me.provider.policy, fapi=fapi,
                first_party=first_party,
            )  # fmt: skip
    except TrustError as error:
        return _form_page(
            me, form.texts, "/admin/client/new", ("登记平台", "Add a client"),
            trouble=identity_words.refusal(error),
        )  # fmt: skip
    return _client_page(me, added.client, secret=added.client_secret)


@router.post("/admin/client/edit")
def change_client(me: Present, form: Posted) -> Response:
    check(me, form)
    client_id = form.text("client_id", cap=100)
    client = _find(me, client_id)
    kept = client_metadata.metadata_of(client)
    try:
        metadata = kept | dict.fromkeys((*_SINGLE, *_LINES, "jwks")) | _metadata(form)
        metadata = {name: value for name, value in metadata.items() if value is not None}
        _ask_sector(me, metadata, client_id, fapi=client.fapi)
        with me.provider.sessions.begin() as session:
            clients.change(
                session, client_id, metadata, by=me.caller, at=me.at, policy=me.provider.policy
            )
    except TrustError as error:
        return _form_page(
            me, form.texts, "/admin/client/edit", ("修改平台", "Edit a client"),
            client_id=client_id, trouble=identity_words.refusal(error),
        )  # fmt: skip
    return _client_page(me, _find(me, client_id))


def _ask_sector(
    me: SignedIn, metadata: Mapping[str, object], client_id: str, *, fapi: bool
) -> None:
    """The sector document is fetched before the transaction; everything else is checked first."""
    wanted = clients.checked(metadata, client_id, at=me.at, fapi=fapi, policy=me.provider.policy)
    registering.fetch_sector(me.provider, wanted)


def _metadata(form: Form) -> dict[str, object]:
    """What was filled in, as RFC 7591 metadata; what was left empty is not in it."""
    found: dict[str, object] = {
        name: text for name in _SINGLE if (text := form.text(name, cap=2048))
    }
    for name in _LINES:
        lines = [line.strip() for line in form.text(name, cap=8192).splitlines() if line.strip()]
        if lines:
            found[name] = lines
    jwks = form.text("jwks", cap=65536)
    if jwks:
        try:
            found["jwks"] = json.loads(jwks)
        except (ValueError, RecursionError) as error:
            raise BadJwks("the key set is not JSON") from error
    return found


@router.post("/admin/client/rotate")
def rotate_secret(me: Present, form: Posted) -> Response:
    check(me, form)
    client_id = form.text("client_id", cap=100)
    with me.provider.sessions.begin() as session:
        secret = clients.rotate_secret(session, client_id, by=me.caller, at=me.at)
    return _client_page(me, _find(me, client_id), secret=secret)


@router.post("/admin/client/switch")
def switch_client(me: Present, form: Posted) -> Response:
    """Off, or on again: the form says which."""
    check(me, form)
    client_id = form.text("client_id", cap=100)
    switch = clients.enable if form.text("active") == "yes" else clients.disable
    with me.provider.sessions.begin() as session:
        switch(session, client_id, by=me.caller, at=me.at)
    return _client_page(me, _find(me, client_id))
