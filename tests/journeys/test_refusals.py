"""What bad input gets: a code of its own, the reason in Chinese and in English, an entry in the
audit log, and nothing half-done."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select

from certificates.licence_types import life as type_life
from certificates.models import Application, Licence
from certificates.wallet.copy_models import LicenceCopy
from certificates.wallet.holder_models import Dispute, HolderGrant
from certificates.wallet.showing_models import Showing
from server import problems
from tests import holding
from tests.certificates.office import STRICT
from tests.journeys.world import CHANGE, FOOD, FOOD_TYPE, World
from tests.regions import MARKET, TRANSPORT, example
from tests.seal import living
from tests.server.test_office_pages import grant
from trust.access import Role
from trust.clock import utc_now

CHINESE = re.compile("[\u4e00-\u9fff]")
#: Of `driving-licence`, which no other journey issues.
WITHDRAWN = "11542500999000056Q002"
SYSTEM, UNKNOWN_SYSTEM = "用证系统", "无权系统"
ME, AGENT = "wallet.holder", "wallet.agent"


@dataclass(frozen=True)
class Ground:
    """What the bad requests are about."""

    world: World
    #: By the clerk, as it was entered; by the approver; one whose type wants a check; approved.
    entered: str
    own: str
    strict: str
    approved: str
    #: Of the holder's own: active, suspended, revoked.
    active: str
    suspended: str
    revoked: str
    key: str = field(default_factory=lambda: uuid4().hex)


@dataclass(frozen=True)
class Bad:
    """A request, what it is refused with, and whom its audit entry is about."""

    who: str
    path: str
    body: Any
    status: int
    code: str
    subject: str = ""
    method: str = "POST"
    key: str = ""
    act: str = "act.refused"


@pytest.fixture(scope="module")
def ground(world: World) -> Ground:
    holding.agent(world.region)
    with world.region.platform.sessions.begin() as session:
        admin = world.region.caller("desk.system")
        type_life.withdraw(session, WITHDRAWN, reason="停发", by=admin, at=utc_now())
    world.system(UNKNOWN_SYSTEM, TRANSPORT.code, Role.OFFICE)
    client = world.system(SYSTEM, TRANSPORT.code, Role.OFFICE)
    grant(world.desk.visit("desk.guard"), FOOD_TYPE, to="client", grantee=client)
    approved = world.entered()
    world.done("market.approver", f"{approved}/approval")
    mine = [world.issued(content=dict(holding.HOLDER))["identifier"] for _ in range(3)]
    world.done("market.approver", f"/v1/licences/{mine[1]}/suspension", CHANGE)
    world.done("market.approver", f"/v1/licences/{mine[2]}/revocation", CHANGE)
    found = Ground(
        world, world.entered(), world.entered("market.approver"), world.entered(slug=STRICT),
        approved, *mine,
    )  # fmt: skip
    body = {"type": FOOD, "content": example(FOOD)}
    world.done("market.clerk", "/v1/applications", body, key=found.key)
    return found


def entry(*, slug: str = FOOD, **given: Any) -> dict[str, Any]:
    return {"type": slug, "content": example(slug) | given.pop("content", {}), **given}


def id_of(path: str) -> str:
    return path.split("/")[3]


def entering(body: dict[str, Any], status: int, code: str, who: str = "market.clerk") -> Bad:
    return Bad(who, "/v1/applications", body, status, code, subject=body["type"])


def deciding(where: str, step: str, who: str, status: int, code: str, body: Any = None) -> Bad:
    return Bad(who, f"{where}/{step}", body, status, code, subject=id_of(where))


def changing(licence: str, act: str, status: int, code: str, who: str = "market.approver",
             **given: str) -> Bad:  # fmt: skip
    return Bad(who, f"/v1/licences/{licence}/{act}", CHANGE | given, status, code, subject=licence)


def sharing(licence: str, status: int, code: str, who: str = SYSTEM, **given: Any) -> Bad:
    body = {"licence": licence, "purpose": {"cause": "核对资质", "category": "1"}} | given
    body = {name: value for name, value in body.items() if value is not None}
    return Bad(who, "/v1/share/metadata", body, status, code, subject=licence, act="share.refused")


def holding_(licence: str, act: str, body: Any, status: int, code: str, who: str = ME) -> Bad:
    return Bad(who, f"/v1/wallet/licences/{licence}/{act}", body, status, code, subject=licence)


def copy(**given: Any) -> dict[str, Any]:
    until = (utc_now() + timedelta(days=3)).isoformat()
    return {"purpose": {"cause": "办理许可"}, "maker": "张三丰", "until": until} | given


BAD: dict[str, Callable[[Ground], Bad]] = {
    "a field that breaks its schema": lambda g: entering(
        entry(content={"KZ_ZTYT": "9"}), 422, "invalid_field"),
    "a field that is no field of the type": lambda g: entering(
        entry(content={"KZ_XX": "x"}), 422, "invalid_field"),
    "a wrong social credit code": lambda g: entering(
        entry(content={"CZZTDM": "92542521MA9QTE206X"}), 422, "invalid_field"),
    "a type that is not published": lambda g: entering(
        entry(slug="driving-licence"), 409, "type_not_published"),
    "a type of another authority": lambda g: entering(
        entry(slug="road-transport-licence"), 403, "type_not_of_authority"),
    "another authority's business without a grant": lambda g: entering(
        entry(slug="road-transport-licence", authority=TRANSPORT.code), 403,
        "not_granted_to_act"),
    "a role that enters nothing": lambda g: entering(entry(), 403, "wrong_role", "market.seal"),
    "joint with itself": lambda g: entering(entry(joint=[MARKET.code]), 422, "joint_invalid"),
    "a re-issue that follows nothing": lambda g: entering(
        entry(kind="reissue"), 422, "previous_required"),
    "a re-issue of a licence that was revoked": lambda g: entering(
        entry(kind="reissue", previous=g.revoked, content=dict(holding.HOLDER)), 409,
        "licence_not_in_force"),
    "a re-issue to somebody else": lambda g: entering(
        entry(kind="reissue", previous=g.active), 409, "holder_differs"),
    "another request under a key that was used": lambda g: Bad(
        "market.clerk", "/v1/applications", entry(case_number="x"), 422,
        "idempotency_key_reused", subject=FOOD, key=g.key),
    "an approver who approves what they entered": lambda g: deciding(
        g.own, "approval", "market.approver", 403, "own_application"),
    "an approval before the check": lambda g: deciding(
        g.strict, "approval", "market.approver", 409, "steps_missing"),
    "an approval of what was corrected meanwhile": lambda g: deciding(
        g.entered, "approval", "market.approver", 409, "content_changed", {"revision": 7}),
    "a second approval": lambda g: deciding(
        g.approved, "approval", "market.head", 409, "application_state"),
    "an approver of another authority": lambda g: deciding(
        g.entered, "approval", "transport.approver", 403, "not_of_authority"),
    "a clerk who approves": lambda g: deciding(
        g.entered, "approval", "market.clerk", 403, "wrong_role"),
    "a consent that nobody asked for": lambda g: deciding(
        g.entered, "consent", "transport.approver", 403, "not_of_authority"),
    "an issue before the approval": lambda g: deciding(
        g.entered, "licence", "market.approver", 409, "application_state"),
    "a seal that is not granted": lambda g: deciding(
        g.approved, "licence", "market.approver", 403, "seal_not_granted"),
    "a resumption of what is not suspended": lambda g: changing(
        g.active, "resumption", 409, "licence_not_in_force"),
    "a suspension of what was revoked": lambda g: changing(
        g.revoked, "suspension", 409, "licence_not_in_force"),
    "a suspended licence that is to move away": lambda g: changing(
        g.suspended, "transfer-out", 409, "licence_not_in_force"),
    "a change without a legal basis": lambda g: changing(
        g.active, "suspension", 422, "reason_needed", basis=" "),
    "a clerk who suspends": lambda g: changing(
        g.active, "suspension", 403, "wrong_role", "market.clerk"),
    "an office without a right": lambda g: sharing(
        g.active, 403, "share_no_right", UNKNOWN_SYSTEM),
    "an office without a purpose": lambda g: sharing(
        g.active, 422, "share_purpose_missing", purpose=None),
    "an office that is bound to no such item": lambda g: sharing(
        g.active, 403, "share_item_not_bound", purpose={"cause": "核对", "item_code": "999"}),
    "an office whom the holder gave no leave": lambda g: sharing(
        g.active, 403, "share_not_authorised", way="grant"),
    "a copy of a suspended licence": lambda g: holding_(
        g.suspended, "copies", copy(), 409, "licence_not_copied"),
    "another's licence": lambda g: holding_(
        g.active, "disputes", {"words": "错"}, 404, "licence_not_found", AGENT),
    "a showing code that is none": lambda g: Bad(
        "wallet.office", "/v1/showings", {"code": "7KX2M9PQ4D", "purpose": {"cause": "办理"}},
        404, "showing_code_refused", subject="showing"),
    "somebody without an office who asks to be shown": lambda g: Bad(
        ME, "/v1/showings", {"code": "7KX2M9PQ4D", "purpose": {"cause": "办理"}}, 403,
        "forbidden", subject="showing"),
}  # fmt: skip


@contextmanager
def circumstances(world: World, code: str) -> Iterator[None]:
    """What a refusal wants besides its request: a seal that nobody has leave to use."""
    if code != "seal_not_granted":
        yield
        return
    before = living.use_as_licence_seal(world.region, living.made(world.region).es_id)
    yield
    living.use_as_licence_seal(world.region, before)


def standing(world: World) -> dict[str, Any]:
    """How everything stands that an act could have changed half-way."""
    platform = world.region.platform
    with platform.reading() as session:
        kinds = (Application, Licence, LicenceCopy, HolderGrant, Dispute, Showing)
        found: dict[str, Any] = {
            kind.__name__: session.scalar(select(func.count()).select_from(kind)) for kind in kinds
        }
        for row in (Application, Licence):
            states = select(row.state, func.count()).group_by(row.state)
            found[f"{row.__name__} states"] = sorted(map(tuple, session.execute(states)))
    found["files"] = sum(1 for each in platform.settings.home.rglob("*.pdf") if each.is_file())
    return found


def bilingual(problem: dict[str, Any]) -> None:
    """Fails unless the reason, not only the kind of refusal, stands there in both languages."""
    own_words = problem["code"] in problems.WORDS
    zh, _, en = str(problem.get("detail", "")).partition(" / ")
    told_twice = bool(CHINESE.search(zh)) and en != "" and not CHINESE.search(en[:20])
    assert own_words or told_twice or problem["code"] == "forbidden", problem
    assert CHINESE.search(problem["title"])
    assert problem["title_en"].isascii()


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_in_two_languages_written_down_and_leaves_nothing(
    world: World, ground: Ground, name: str
) -> None:
    bad = BAD[name](ground)
    with circumstances(world, bad.code):
        before, told = standing(world), len(world.audited(bad.subject))
        answer = world.ask(bad.who, bad.path, bad.body, method=bad.method, key=bad.key)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (bad.status, bad.code), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        bilingual(problem)
        (written,) = world.audited(bad.subject)[told:]
        act, details = written
        assert (act, details.get("reason") or details.get("code")) == (bad.act, bad.code)
        assert not any(own in str(details) for own in (holding.NUMBER, holding.NAME))
        assert standing(world) == before
