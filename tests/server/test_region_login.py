"""Logging in at another region: connected by the lists alone, no surer than at home, out again."""

import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select, update

from server import region_login
from server.demo_regions.browser import Browser, Shown
from server.platform import Platform
from server.provision import RegionPlan
from server.region_login import LOGIN, standing
from sso import (
    assurance,
    clients,
    jose,
    logout_outbox,
    region_logins,
    upstream,
    upstream_departing,
    upstreams,
)
from sso.client_models import ClientRow
from sso.credential_models import BrowserSession
from sso.oauth_errors import OAuthError
from sso.people_models import Evidence
from sso.provider import Provider
from sso.region_logins import COMPROMISED, STALE, LoginRegion, RegionTaken
from sso.upstream_models import RegionLogin, Upstream, UpstreamDeparture, UpstreamLink
from tests.regions import build
from tests.server.identity_site import application, open_provider, serve
from tests.sso import signing_in
from tests.sso.provider import START
from tests.trust.listing import DAY, NOW, publisher
from trust import list_accept, list_sources, lists, recognition_policy
from trust.access import SYSTEM
from trust.db import open_engine, open_sessions
from trust.keys import SoftKeyStore
from trust.list_store import TrustedRegion
from trust.lists_model import NATION, Service, ServiceStatus, ServiceType
from trust.recognition import ANY, Conditions, Policy, Rule, Verdict, Withdrawal

ALI, DINGXI = "542500", "621100"
WAY = f"/upstream/region-{ALI}"


@dataclass
class Two:
    """Two regions, each served on a port of its own and connected with the other."""

    ali: Provider
    dingxi: Provider

    def sign_in(self, browser: Browser) -> Shown:
        """From 定西's page by 阿里's, where the person lives; the page it ends at."""
        page = browser.get(f"{self.dingxi.issuer}/sign-in?next=/account")
        page = browser.get(page.link(WAY))
        if any(form.action.endswith("/password") for form in page.forms):
            said = {"username": "zhang.san", "password": signing_in.PASSWORD}
            page = browser.send(page, "/password", said)
        if any(form.action.endswith("/consent") for form in page.forms):
            page = browser.send(page, "/consent", {"consent": "yes"})
        return page

    def is_in(self, browser: Browser, provider: Provider) -> bool:
        return browser.get(f"{provider.issuer}/account").url == f"{provider.issuer}/account"

    def end(self, reason: str) -> bool:
        with self.dingxi.sessions.begin() as session:
            return region_logins.end(session, self.dingxi, ALI, reason=reason, at=START)

    def connect(self, **changed: object) -> bool:
        wanted = replace(LoginRegion(ALI, "阿里地区", self.ali.issuer), **changed)  # type: ignore[arg-type]
        with self.dingxi.sessions.begin() as session:
            return region_logins.connect(session, self.dingxi, wanted, own=DINGXI, at=START)

    def living(self) -> int:
        with self.dingxi.reading() as session:
            rows = session.scalars(select(BrowserSession)).all()
        return sum(row.ended_at is None for row in rows)


def _provider(
    name: str, port: int, template: Path, keys: SoftKeyStore, home: Path, stack: ExitStack
) -> Provider:
    home = home / name
    home.mkdir()
    shutil.copy(template, home / "test.db")
    engine = open_engine(f"sqlite:///{home / 'test.db'}")
    stack.callback(engine.dispose)
    # Cookies know hosts and no ports, so the regions have different ones.
    host = {"ali": "127.0.0.1", "dingxi": "localhost"}[name]
    return open_provider(open_sessions(engine), keys, home, issuer=f"http://{host}:{port}")


@pytest.fixture
def two(sqlite_template: Path, soft_keys: SoftKeyStore, tmp_path: Path) -> Iterator[Two]:
    with ExitStack() as stack:
        providers = []
        for name in ("ali", "dingxi"):
            listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            port = listener.getsockname()[1]
            made = _provider(name, port, sqlite_template, soft_keys, tmp_path, stack)
            stack.enter_context(serve(application(made), listener))
            providers.append(made)
        found = Two(*providers)
        signing_in.citizen(found.ali)
        _level(found.ali, 2)
        found.connect()
        wanted = LoginRegion(DINGXI, "定西市", found.dingxi.issuer)
        with found.ali.sessions.begin() as session:
            region_logins.connect(session, found.ali, wanted, own=ALI, at=START)
        yield found


def _level(provider: Provider, level: int) -> None:
    with provider.sessions.begin() as session:
        session.execute(update(Evidence).values(withdrawn_at=START))
        assurance.add_evidence(session, "zhang.san", "imported", by=SYSTEM, at=START, level=level)


def test_a_person_of_one_region_signs_in_at_the_other(two: Two) -> None:
    with Browser() as browser:
        page = two.sign_in(browser)
        assert page.url == f"{two.dingxi.issuer}/account", page.text
        assert len(set(browser.sessions().values())) == 2
    with two.dingxi.reading() as session:
        row = session.scalars(select(BrowserSession)).one()
        assert row.methods == ("fed:2",)


def test_the_person_is_asked_at_home_before_the_other_region_is_told(two: Two) -> None:
    with Browser() as browser:
        page = browser.get(f"{two.dingxi.issuer}/sign-in?next=/account")
        page = browser.get(page.link(WAY))
        said = {"username": "zhang.san", "password": signing_in.PASSWORD}
        page = browser.send(page, "/password", said)
        assert page.url.startswith(two.ali.issuer)
        page = browser.send(page, "/consent", {"deny": "yes"})
    assert "upstream_failed" in page.text
    assert two.living() == 0


def test_level_three_there_counts_as_two_here(two: Two) -> None:
    _level(two.ali, 3)
    with two.dingxi.reading() as session:
        known = session.get_one(Upstream, f"region-{ALI}")
        assert (known.level_cap, known.by_key, known.secret) == (2, True, b"")


def test_a_login_that_is_not_sure_enough_is_refused(two: Two) -> None:
    _level(two.ali, 1)
    assert two.connect(level_min=2)
    with Browser() as browser:
        page = two.sign_in(browser)
    assert "upstream_failed" in page.text
    assert two.living() == 0


def test_out_here_is_out_at_home_and_the_browser_comes_back(two: Two) -> None:
    with Browser() as browser:
        two.sign_in(browser)
        page = browser.get(f"{two.dingxi.issuer}/logout")
        page = browser.send(page, "/oauth2/end_session", {"logout": "yes"})
        if any("/oauth2/end_session?" in each for each in page.links):
            page = browser.get(page.link(page.links[0]))
        assert page.url.startswith(f"{two.dingxi.issuer}/sign-in/upstream/left")
        assert not two.is_in(browser, two.dingxi)
        assert not two.is_in(browser, two.ali)
        again = browser.get(page.url)
    assert again.status == 400  # the state counts once


def test_the_platform_that_asked_for_the_logout_is_come_back_to_once(two: Two) -> None:
    with two.dingxi.reading() as session:
        known = session.get_one(Upstream, f"region-{ALI}")
    login, goes_to = upstream_departing.Login(known, "a.b.c"), "https://platform.example/left?a=1"

    def state() -> str:
        url = upstream_departing.depart(
            two.dingxi, login, client_id="platform", goes_to=goes_to, at=START
        )
        assert url is not None
        assert url.startswith(f"{two.ali.issuer}/oauth2/end_session?")
        return parse_qs(urlsplit(url).query)["state"][0]

    used, late = state(), state()
    back = upstream_departing.arrive(two.dingxi, used, at=START)
    assert (back.client_id, back.goes_to) == ("platform", goes_to)
    for each, at in ((used, START), (late, START + DAY), ("x" * 43, START)):
        with pytest.raises(OAuthError):
            upstream_departing.arrive(two.dingxi, each, at=at)


def test_out_at_home_is_out_here(two: Two) -> None:
    with Browser() as browser:
        two.sign_in(browser)
        page = browser.get(f"{two.ali.issuer}/logout")
        browser.send(page, "/oauth2/end_session", {"logout": "yes"})
        logout_outbox.deliver_due(two.ali, at=START)
        assert not two.is_in(browser, two.dingxi)


def test_a_region_that_does_not_answer_keeps_nobody_signed_in_here(two: Two) -> None:
    with Browser() as browser:
        two.sign_in(browser)
        with two.dingxi.sessions.begin() as session:
            session.execute(update(Upstream).values(issuer="http://127.0.0.1:9"))
        page = browser.get(f"{two.dingxi.issuer}/logout")
        page = browser.send(page, "/oauth2/end_session", {"logout": "yes"})
        assert page.url.startswith(two.dingxi.issuer)
        assert not two.is_in(browser, two.dingxi)
    with two.dingxi.reading() as session:
        assert session.scalars(select(UpstreamDeparture)).all() == []


def test_a_region_no_longer_recognised_loses_the_way_in_and_its_sessions(two: Two) -> None:
    with Browser() as browser:
        two.sign_in(browser)
        assert two.end("withdrawn")
        assert not two.is_in(browser, two.dingxi)
        page = browser.get(f"{two.dingxi.issuer}/sign-in?next=/account")
        assert not any(each.endswith(WAY) for each in page.links)
    client = clients.find(two.dingxi.reading, f"region-{ALI}")
    assert client is not None
    assert not client.active


def test_a_list_grown_old_stops_new_logins_and_ends_none(two: Two) -> None:
    with Browser() as browser:
        two.sign_in(browser)
        assert two.end(STALE)
        assert two.is_in(browser, two.dingxi)
        page = browser.get(f"{two.dingxi.issuer}/sign-in?next=/account")
        assert not any(each.endswith(WAY) for each in page.links)
    assert two.end("withdrawn")
    assert two.living() == 0
    assert not two.end(STALE)


def test_after_a_compromise_nothing_that_region_said_of_anybody_counts(two: Two) -> None:
    with Browser() as browser:
        two.sign_in(browser)
    two.end(COMPROMISED)
    with two.dingxi.reading() as session:
        rows = session.scalars(select(Evidence).where(Evidence.source == f"region-{ALI}")).all()
    assert rows
    assert all(row.withdrawn_at is not None for row in rows)


def test_restored_it_is_as_before_and_said_twice_it_changes_nothing(two: Two) -> None:
    two.end("withdrawn")
    assert two.connect()
    assert not two.connect()
    with Browser() as browser:
        assert two.sign_in(browser).url.endswith("/account")


def test_at_another_address_people_are_found_by_their_key_and_not_by_subject(two: Two) -> None:
    with Browser() as browser:
        two.sign_in(browser)
    two.connect(issuer="http://127.0.0.1:9")
    with two.dingxi.reading() as session:
        assert session.scalars(select(UpstreamLink)).all() == []
        assert session.get_one(RegionLogin, ALI).issuer == "http://127.0.0.1:9"


def test_what_was_connected_by_hand_is_left_alone(two: Two) -> None:
    with two.dingxi.sessions.begin() as session:
        upstreams.add(
            session, two.dingxi.vault, "lhasa", name="拉萨市", issuer="https://id.lhasa.example",
            client_id="c", secret="s" * 20, levels={}, level_cap=1, by=SYSTEM, at=START,
        )  # fmt: skip
    taken = LoginRegion("540100", "拉萨市", "https://id.lhasa.example")
    with pytest.raises(RegionTaken), two.dingxi.sessions.begin() as session:
        region_logins.connect(session, two.dingxi, taken, own=DINGXI, at=START)
    with two.dingxi.reading() as session:
        assert session.get(ClientRow, "region-540100") is None


def test_nobody_but_the_region_itself_can_use_its_name_as_a_platform(two: Two) -> None:
    """An assertion by another key, and one for another region."""
    client = clients.find(two.ali.reading, f"region-{DINGXI}")
    assert client is not None
    assert client.auth_method == "private_key_jwt"
    assert client.jwks_uri == f"{two.dingxi.issuer}/oauth2/jwks"
    assert client.redirect_uris == (f"{two.dingxi.issuer}/sign-in/upstream/callback",)
    assert not client.first_party
    with pytest.raises(jose.InvalidToken):
        jose.verify_by_client(two.ali, client, "e30.e30.AA", algorithms=("ES256",))


# What the lists and the policy say, judged without a database.

PLACE = Service(
    ServiceType.IDENTITY_PROVIDER, "阿里地区", NOW - 50 * DAY, uri="https://ali.example", code=ALI
)
MUTUAL = Policy((Rule(ALI, LOGIN, Verdict.FULL, NOW - DAY),))


def _region(code: str = ALI, *services: Service, **changed: object) -> TrustedRegion:
    made = publisher(code)
    made.services = services
    known = TrustedRegion(
        code, f"region {code}", made.uri, NATION, None, lists.parse(made.list()), None
    )
    return replace(known, **changed)  # type: ignore[arg-type]


def _why(region: TrustedRegion, policy: Policy = MUTUAL, *, at: timedelta = timedelta()) -> str:
    found = standing([region], policy, own=DINGXI, issuer="https://dingxi.example", at=NOW + at)
    return "connected" if found.connected else found.others[region.code]


def test_logins_need_a_rule_of_their_own() -> None:
    region = _region(ALI, PLACE)
    assert _why(region) == "connected"
    assert _why(region, Policy()) == "no_rule"
    for kind in (ANY, "11100000MB0143028R001"):
        assert _why(region, Policy((Rule(ALI, kind, Verdict.FULL, NOW),))) == "no_rule"
    assert _why(region, Policy((Rule(ANY, LOGIN, Verdict.FULL, NOW),))) == "connected"
    assert _why(region, Policy((*MUTUAL.rules, Rule(ALI, LOGIN, Verdict.REFUSED, NOW)))) != (
        "connected"
    )


def test_a_condition_on_the_level_goes_along_and_one_on_papers_cannot_be_met() -> None:
    def found(conditions: Conditions) -> tuple[LoginRegion, ...]:
        rule = Rule(ALI, LOGIN, Verdict.CONDITIONAL, NOW, conditions)
        policy = Policy((rule,))
        region = _region(ALI, PLACE)
        return standing([region], policy, own=DINGXI, issuer="https://d.example", at=NOW).connected

    (sure,) = found(Conditions(level=2))
    assert (sure.level_min, sure.issuer) == (2, "https://ali.example")
    assert found(Conditions(seal_kinds=frozenset({"licence"}))) == ()


@pytest.mark.parametrize(
    ("region", "reason"),
    [
        (_region(ALI), "no_identity_provider"),
        (_region(ALI, replace(PLACE, code=DINGXI)), "no_identity_provider"),
        (_region(ALI, replace(PLACE, status=ServiceStatus.WITHDRAWN)), "no_identity_provider"),
        (_region(ALI, PLACE, replace(PLACE, uri="https://two.example")), "no_identity_provider"),
        (_region(ALI, replace(PLACE, status=ServiceStatus.COMPROMISED)), COMPROMISED),
        (_region(ALI, replace(PLACE, uri="https://dingxi.example")), "issuer_doubtful"),
        (_region(ALI, PLACE, dropped_at=NOW), "list_dropped"),
        (_region(ALI, PLACE, listed=None), STALE),
    ],
    ids=["none", "another's", "withdrawn", "two", "compromised", "ours", "dropped", "no list"],
)  # fmt: skip
def test_a_list_that_does_not_name_one_good_provider_connects_nobody(
    region: TrustedRegion, reason: str
) -> None:
    assert _why(region) == reason


def test_a_list_out_of_its_life_and_a_withdrawal_end_it() -> None:
    region = _region(ALI, PLACE)
    assert _why(region, at=8 * DAY) == STALE
    gone = replace(MUTUAL, withdrawals=(Withdrawal(ALI, "", NOW, compromised=False),))
    assert _why(region, gone, at=DAY) == "withdrawn"
    stolen = replace(MUTUAL, withdrawals=(Withdrawal(ALI, "", NOW, compromised=True),))
    assert _why(region, stolen, at=DAY) == COMPROMISED
    assert _why(region, replace(MUTUAL, withdrawals=(
        Withdrawal(ALI, "11542500999000056Q", NOW, compromised=False),
    ))) == "connected"  # fmt: skip


def test_of_two_regions_at_one_address_neither_is_believed() -> None:
    thief = _region("540100", replace(PLACE, code="540100"))
    policy = Policy((Rule(ANY, LOGIN, Verdict.FULL, NOW - DAY),))
    found = standing([_region(ALI, PLACE), thief], policy, own=DINGXI, issuer="x", at=NOW)
    assert found.connected == ()
    assert set(found.others.values()) == {"issuer_doubtful"}


# The same on a region's database: what upkeep and the operator's commands do.


@pytest.fixture(scope="module")
def dingxi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    found = build(tmp_path_factory.mktemp("dingxi"), plan=RegionPlan(DINGXI, "定西市")).platform
    yield found
    found.engine.dispose()


def _hold(platform: Platform, code: str, issuer: str) -> None:
    """The list of another region, which names its identity provider, is held here."""
    made = publisher(code)
    made.services = (replace(PLACE, code=code, uri=issuer),)
    with platform.sessions.begin() as session:
        list_sources.add(
            session, code, name=f"地区 {code}", uri=made.uri, signers=(made.key.der,), by=SYSTEM,
            at=NOW,
        )  # fmt: skip
    assert list_accept.take(platform.sessions, code, made.list(), own=DINGXI, at=NOW).listed


def _say(platform: Platform, code: str, verdict: Verdict) -> None:
    with platform.sessions.begin() as session:
        recognition_policy.set_rule(session, code, LOGIN, verdict, by=SYSTEM, at=NOW)


def _offered(platform: Platform) -> set[str]:
    with platform.reading() as session:
        return {each.slug for each in upstream.available(session)}


def test_lists_and_policy_alone_connect_and_disconnect(dingxi: Platform) -> None:
    nothing = region_login.Kept((), (), ())
    assert region_login.keep_in_step(dingxi, at=NOW) == nothing
    _hold(dingxi, ALI, "https://id.ali.example")
    assert region_login.keep_in_step(dingxi, at=NOW) == nothing
    _say(dingxi, ALI, Verdict.FULL)
    assert region_login.keep_in_step(dingxi, at=NOW).connected == (ALI,)
    assert region_login.keep_in_step(dingxi, at=NOW) == nothing
    assert _offered(dingxi) == {f"region-{ALI}"}
    late = NOW + 8 * DAY
    assert region_login.keep_in_step(dingxi, at=late).ended == (ALI,)
    assert _offered(dingxi) == set()
    assert region_login.keep_in_step(dingxi, at=NOW).connected == (ALI,)
    _say(dingxi, ALI, Verdict.REFUSED)
    assert region_login.keep_in_step(dingxi, at=NOW).ended == (ALI,)
    with dingxi.reading() as session:
        assert session.get_one(RegionLogin, ALI).reason == "type_not_recognised"


@pytest.mark.parametrize(
    ("code", "issuer"),
    [("540100", "http://id.lhasa.example"), ("540200", "https://id.example/?a"), ("540300", "-")],
    ids=["plain http", "a query", "no address"],
)
def test_an_address_that_breaks_a_rule_is_refused_and_the_rest_is_kept(
    dingxi: Platform, code: str, issuer: str
) -> None:
    _hold(dingxi, code, issuer)
    _say(dingxi, code, Verdict.FULL)
    found = region_login.keep_in_step(dingxi, at=NOW)
    assert [each for each, _ in found.refused] == [code]
    assert f"region-{code}" not in _offered(dingxi)
    _say(dingxi, code, Verdict.REFUSED)
