"""Administration of mutual recognition: lists and their alarms, the policy, withdrawals."""

from datetime import datetime
from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Query, Request, Response

from certificates import registry
from certificates.regions import region_list
from server import problems, region_login
from server.pages import identity_words, show, trust_words
from server.pages.account_credentials import require_recent
from server.pages.administration import admin_page, check, require
from server.pages.desk_frame import NotUnderstood
from server.pages.form import Form, Posted
from server.pages.route import Page
from server.pages.visitor import Present, SignedIn
from server.platform import Platform
from sso import region_logins
from trust import list_alarms, list_fetch, recognition_policy, recognition_withdraw
from trust.access import Role
from trust.clock import CHINA
from trust.errors import Forbidden, Invalid, NotFound, TrustError
from trust.fetch import Fetcher
from trust.list_store import TrustedRegion
from trust.lists_model import Service
from trust.recognition import ANY, Conditions, Rule, Verdict

router = APIRouter(route_class=Page, include_in_schema=False)

HERE: Final = "/admin/trust"
#: The fields of the two forms.
_RULE: Final = ("region", "type", "verdict", "level", "seals", "fields", "since")
_WITHDRAWAL: Final = ("region", "issuer", "since", "basis", "compromised")


class BadMoment(Invalid):
    """A time that was filled in and cannot be read."""

    code = "bad_moment"


def _platform(request: Request) -> Platform:
    return cast(Platform, request.app.state.platform)


def _page(
    me: SignedIn, template: str, *, error: TrustError | None = None, done: str = "", **values: Any
) -> Response:
    trouble = None
    if error is not None:
        trouble = trust_words.REFUSALS.get(error.code) or identity_words.refusal(error)
    return admin_page(
        me, template, here=HERE, words=trust_words, trouble=trouble, may=_may_change(me),
        done=trust_words.DONE.get(done[:40]),
        status=problems.status_of(type(error)) if error else 200, **values,
    )  # fmt: skip


def _may_change(me: SignedIn) -> str:
    return "yes" if me.caller.has(Role.SYSTEM_ADMIN) else ""


@router.get(HERE)
def show_lists(
    me: Present, request: Request, done: Annotated[str, Query(max_length=40)] = ""
) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    return _lists_page(me, _platform(request), done=done)


def _lists_page(
    me: SignedIn, platform: Platform, *, error: TrustError | None = None, done: str = "",
    rule: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    platform.lists.forget()
    with me.provider.reading() as session:
        alarms = list_alarms.open_alarms(session)
        policy = recognition_policy.load(session)
        withdrawn = recognition_withdraw.find_withdrawals(session)
        logins = {row.region for row in region_logins.connected(session) if not row.ended_at}
        own = registry.region(session)
        try:
            ours = region_list.newest(session)
        except NotFound:
            ours = None
    regions = [_region(each, me.at) for each in platform.lists.regions()]
    return _page(
        me, "admin_trust.html", error=error, done=done, regions=regions, alarms=alarms,
        own=own, ours=ours, rules=[_rule(each, me.at) for each in policy.rules],
        withdrawn=withdrawn, gone={each.region for each in withdrawn if not each.issuer},
        rule=dict.fromkeys(_RULE, "") | (rule or {}), logins=logins,
    )  # fmt: skip


def _region(found: TrustedRegion, at: datetime) -> dict[str, Any]:
    listed = found.listed
    return {
        "code": found.code, "name": found.name, "uri": found.uri, "parent": found.parent,
        "freshness": str(found.freshness(at)), "sequence": found.sequence,
        "until": listed.next_update if listed else None, "received": found.received_at,
        "dropped": found.dropped_at, "services": len(listed.services) if listed else 0,
        "pointers": len(listed.pointers) if listed else 0,
    }  # fmt: skip


def _rule(rule: Rule, at: datetime) -> dict[str, Any]:
    return {
        "region": rule.region, "type": rule.type_code, "verdict": str(rule.verdict),
        "since": None if rule.since.year == 1 else rule.since, "coming": rule.since > at,
        "level": rule.conditions.level, "seals": sorted(rule.conditions.seal_kinds),
        "fields": sorted(rule.conditions.fields),
    }  # fmt: skip


@router.get(HERE + "/region")
def show_region(
    me: Present, request: Request, code: Annotated[str, Query(max_length=6)]
) -> Response:
    require(me, Role.SYSTEM_ADMIN)
    found = _platform(request).lists.region(code)
    services = [_service(each) for each in (found.listed.services if found.listed else ())]
    pointers = found.listed.pointers if found.listed else ()
    return _page(
        me, "admin_trust_region.html", shown=_region(found, me.at), services=services,
        pointers=pointers, digest=found.digest,
    )  # fmt: skip


def _service(service: Service) -> dict[str, Any]:
    return {
        "kind": trust_words.KINDS[service.kind], "name": service.name, "code": service.code,
        "uri": service.uri,
        "periods": [(trust_words.STATUSES[each.status], each.since) for each in service.periods()],
    }  # fmt: skip


@router.post(HERE + "/fetch")
def fetch_lists(me: Present, request: Request, form: Posted) -> Response:
    """All of them, now; what is refused is among the alarms afterwards."""
    check(me, form)
    with me.provider.reading() as session:
        own = registry.region(session).code
    list_fetch.refresh(me.provider.sessions, fetch=Fetcher(), own=own, at=me.at)
    region_login.keep_in_step(_platform(request), at=me.at)
    return show.onward(me.visitor, f"{HERE}?done=fetched")


@router.post(HERE + "/settle")
def settle_alarm(me: Present, request: Request, form: Posted) -> Response:
    check(me, form)
    number = form.text("alarm", cap=12)
    if not (number.isascii() and number.isdigit()):
        raise NotFound("there is no such alarm")
    try:
        with me.provider.sessions.begin() as session:
            list_alarms.settle(session, int(number), by=me.caller, at=me.at)
    except NotFound as error:
        return _lists_page(me, _platform(request), error=error)
    return show.onward(me.visitor, f"{HERE}?done=settled")


@router.post(HERE + "/rule")
def set_rule(me: Present, request: Request, form: Posted) -> Response:
    check(me, form)
    try:
        verdict = Verdict(form.text("verdict", cap=12))
        level = form.text("level", cap=1)
        conditions = Conditions(
            int(level) if level in ("1", "2", "3") else None,
            _words(form.text("seals", cap=1000)), _words(form.text("fields", cap=2000)),
        )  # fmt: skip
        with me.provider.sessions.begin() as session:
            recognition_policy.set_rule(
                session, form.text("region", cap=6) or ANY, form.text("type", cap=40) or ANY,
                verdict, conditions=conditions, since=_moment(form, "since"), by=me.caller,
                at=me.at,
            )  # fmt: skip
    except ValueError:
        refused: TrustError = recognition_policy.BadRule("one of three answers is chosen")
        return _lists_page(me, _platform(request), error=refused, rule=dict(form.texts))
    except Invalid as error:
        return _lists_page(me, _platform(request), error=error, rule=dict(form.texts))
    region_login.keep_in_step(_platform(request), at=me.at)
    return show.onward(me.visitor, f"{HERE}?done=rule")


def _words(text: str) -> frozenset[str]:
    """Words apart by blanks or commas, Chinese ones too."""
    return frozenset(text.replace(",", " ").replace("，", " ").replace("、", " ").split())


def _moment(form: Form, name: str) -> datetime | None:
    """A `datetime-local` field: a time in China; BadMoment."""
    text = form.text(name, cap=30)
    try:
        at = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadMoment("a time is like 2026-11-22T08:00") from error
    return at.replace(tzinfo=CHINA) if at is not None and at.tzinfo is None else at


@router.get(HERE + "/withdraw")
def ask_withdrawal(
    me: Present, region: Annotated[str, Query(max_length=6)] = "",
) -> Response:  # fmt: skip
    require(me, Role.SYSTEM_ADMIN)
    return _withdrawal_page(me, {"region": region})


def _withdrawal_page(
    me: SignedIn, values: dict[str, str], *, falls: recognition_withdraw.Falls | None = None,
    error: TrustError | None = None,
) -> Response:  # fmt: skip
    stale = None
    try:
        require_recent(me)
    except Forbidden as found:
        stale = found
    return _page(
        me, "admin_trust_withdraw.html", values=dict.fromkeys(_WITHDRAWAL, "") | values,
        falls=falls, error=error,
        stale=stale is not None,
    )  # fmt: skip


@router.post(HERE + "/withdraw")
def withdraw(me: Present, request: Request, form: Posted) -> Response:
    """First what falls; the second time, with the box ticked and a fresh sign-in, it is done."""
    check(me, form)
    values = {name: form.text(name, cap=500) for name in _WITHDRAWAL}
    falls = None
    try:
        since = _moment(form, "since") or me.at
        about: dict[str, Any] = {
            "issuer": values["issuer"], "effective_at": since,
            "compromised": bool(values["compromised"]),
        }  # fmt: skip
        with me.provider.reading() as session:
            falls = recognition_withdraw.falls(session, values["region"], **about)
        if not form.text("act"):
            return _withdrawal_page(me, values, falls=falls)
        require_recent(me)
        if form.text("understood") != "yes":
            raise NotUnderstood("what falls is confirmed by its box")
        with me.provider.sessions.begin() as session:
            recognition_withdraw.withdraw(
                session, values["region"], basis=values["basis"], by=me.caller, at=me.at, **about
            )
    except TrustError as error:
        return _withdrawal_page(me, values, falls=falls, error=error)
    region_login.keep_in_step(_platform(request), at=me.at)
    return show.onward(me.visitor, f"{HERE}?done=withdrawn")


@router.post(HERE + "/restore")
def restore(me: Present, request: Request, form: Posted) -> Response:
    check(me, form)
    try:
        with me.provider.sessions.begin() as session:
            recognition_withdraw.lift(
                session, form.text("region", cap=6), issuer=form.text("issuer", cap=18),
                by=me.caller, at=me.at,
            )  # fmt: skip
    except NotFound as error:
        return _lists_page(me, _platform(request), error=error)
    region_login.keep_in_step(_platform(request), at=me.at)
    return show.onward(me.visitor, f"{HERE}?done=restored")
