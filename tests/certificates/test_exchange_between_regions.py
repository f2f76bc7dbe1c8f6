"""Questions between two regions: signed, answered once, kept at both ends, held to the list."""

import json
from argparse import Namespace
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from certificates import bundle_knowledge, evidence, log_proof
from certificates.models import Licence, LicenceState
from certificates.purpose import BadPurpose
from certificates.regions import exchange_messages, exchange_records, peer_refresh
from certificates.regions.exchange_answering import Answering, NotForUs, QuestionNotOfNow
from certificates.regions.exchange_asking import Answered, AnswerRefused, Asking, PeerSilent, Wish
from certificates.regions.exchange_messages import BadExchange, Kind, Question
from certificates.regions.exchange_parties import NotAParty, own_signer
from certificates.regions.exchange_records import QuestionRepeated
from certificates.regions.peer_asking import asking_too
from certificates.regions.peer_models import ExchangeRecord, PeerDisagreement
from certificates.verify import verify_file
from certificates.verify_claim import verify_claim
from server import health, offline, peers, provision
from server.commands import region_evidence
from sso import clients, grants, tokens
from sso.models import Account
from sso.tokens import UNBOUND, Authorized
from tests.certificates.test_life import end
from tests.network import Pair
from trust import recognition_policy, timestamps
from trust.access import SYSTEM
from trust.clock import utc_now
from trust.crypto import jose
from trust.recognition import Verdict
from trust.report import Outcome


def asking(pair: Pair) -> Asking:
    return peers.asking(pair.dingxi.platform)


def answering(pair: Pair) -> Answering:
    return peers.answering(pair.ali.platform)


def ask(pair: Pair, licence: Licence, kind: Kind = Kind.STATUS) -> Answered:
    """Dingxi asks, Ali answers."""
    return asking(pair).ask(
        Wish("542500", kind, licence.identifier), purpose="办理迁入",
        by=pair.dingxi.region.caller("market.clerk"), at=utc_now(),
    )  # fmt: skip


def question(pair: Pair, identifier: str, **changed: object) -> str:
    """A question by Dingxi's exchange signer."""
    at = utc_now().replace(microsecond=0)
    made = Question(
        "A" * 21 + "Q", "621100", "542500", "办理迁入", Kind.STATUS, at,
        at + timedelta(seconds=60), identifier,
    )  # fmt: skip
    platform = pair.dingxi.platform
    with platform.reading() as session:
        signer = own_signer(session, platform.keys, at=at)
    return exchange_messages.write_question(replace(made, **changed), signer)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def licence(pair: Pair) -> Licence:
    return pair.ali.region.issued()


def test_both_ends_can_prove_what_was_asked_and_answered(pair: Pair, licence: Licence) -> None:
    found = ask(pair, licence)
    (told,), (check,) = found.answer.licences, found.checks
    assert (told.identifier, told.state, check.outcome) == (
        licence.identifier, "active", Outcome.PASSED
    )  # fmt: skip
    assert told.file_digest == licence.file_digest
    kept = []
    for each in (pair.dingxi, pair.ali):
        with each.platform.reading() as session:
            (record,) = exchange_records.find(session, each.platform.vault, found.id)
        stamped = exchange_records.stamped_bytes(record.question, record.answer)
        assert timestamps.verify_message(record.stamp, stamped).signer
        kept.append((record.question, record.answer))
    assert kept[0] == kept[1]
    said, _ = exchange_messages.read_question(kept[0][0])
    assert (said.purpose, said.asker) == ("办理迁入", "621100")


def test_an_office_that_knows_only_region_and_number_finds_it(pair: Pair) -> None:
    licence = pair.ali.region.issued()
    found = asking(pair).ask(
        Wish("542500", Kind.NUMBER, number=licence.number, type_code=licence.type_code),
        purpose="核对", by=pair.dingxi.region.caller("market.clerk"), at=utc_now(),
    )  # fmt: skip
    # Business licences of one holder bear one number: the newest comes first.
    assert found.answer.licences[0].identifier == licence.identifier
    none = asking(pair).ask(
        Wish("542500", Kind.NUMBER, number="no such", type_code=licence.type_code),
        purpose="核对", by=pair.dingxi.region.caller("market.clerk"), at=utc_now(),
    )  # fmt: skip
    assert none.answer.licences == ()
    # Sealed: a number may be a person's.
    with pair.dingxi.platform.reading() as session:
        rows = session.scalars(select(ExchangeRecord)).all()
    assert all(licence.number.encode() not in row.question_box for row in rows)


def test_the_proof_of_the_public_log_comes_along(pair: Pair, licence: Licence) -> None:

    provision.sign_checkpoints(pair.ali.platform, at=utc_now())
    found = ask(pair, licence, Kind.LOG)
    assert found.answer.log is not None
    proof = log_proof.parse(json.dumps(found.answer.log).encode())
    leaf = json.loads(proof.leaf)
    assert leaf["sm3"] == jose.b64url(found.answer.licences[0].digest)


def test_a_revoked_licence_is_told_at_once(pair: Pair) -> None:
    other = pair.ali.region.issued()
    end(pair.ali.region, other)
    (check,) = ask(pair, other).checks
    assert (check.outcome, check.code) == (Outcome.FAILED, "void")


def test_a_question_is_answered_once(pair: Pair, licence: Licence) -> None:
    message = question(pair, licence.identifier)
    assert answering(pair).answer(message, at=utc_now())
    with pytest.raises(QuestionRepeated):
        answering(pair).answer(message, at=utc_now())
    answer = pair.ali.client.post(
        "/v1/exchange", content=message, headers={"content-type": "application/jose"}
    )
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("question_repeated")


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"asked": "540100"}, NotForUs),
        ({"asker": "540100"}, NotAParty),
        ({"asker": "542500"}, NotAParty),
        ({"asked_at": (0, 0), "expires_at": (24, 0)}, QuestionNotOfNow),
        ({"asked_at": (-1, 0), "expires_at": (-1, 60)}, QuestionNotOfNow),
        ({"asked_at": (1, 0), "expires_at": (1, 60)}, QuestionNotOfNow),
        ({"purpose": "身份证 110101199003077475"}, BadExchange),
        ({"id": "short"}, BadExchange),
    ],
    ids=["not-for-us", "unknown-region", "ourselves", "long-life", "over", "to-come", "personal",
         "id"],
)  # fmt: skip
def test_what_is_not_a_good_question_is_refused_by_name(
    pair: Pair, licence: Licence, changed: dict[str, object], refusal: type[Exception]
) -> None:
    now = utc_now().replace(microsecond=0)
    for name, value in changed.items():
        if isinstance(value, tuple):  # (hours, seconds) from now
            changed = changed | {name: now + timedelta(hours=value[0], seconds=value[1])}
    with pytest.raises(refusal):
        answering(pair).answer(question(pair, licence.identifier, **changed), at=utc_now())


def test_nobody_but_the_regions_exchange_signer_asks(pair: Pair, licence: Licence) -> None:
    message = question(pair, licence.identifier, id="B" * 21 + "Q")
    head, body, signature = message.split(".")
    with pytest.raises(NotAParty):
        answering(pair).answer(f"{head}.{body}.{signature[:-4]}AAAA", at=utc_now())
    ours = pair.ali.platform
    with ours.reading() as session:
        signer = own_signer(session, ours.keys, at=utc_now())
    said, _ = exchange_messages.read_question(message)
    with pytest.raises(NotAParty):
        answering(pair).answer(exchange_messages.write_question(said, signer), at=utc_now())


def test_an_answer_to_another_question_or_of_another_time_is_refused(
    pair: Pair, licence: Licence
) -> None:
    kept: list[bytes] = []

    def replay(url: str, found: bytes) -> bytes:
        if not url.endswith("/v1/exchange"):
            return found
        kept.append(found)
        return kept[0]

    pair.network.tamper = replay
    try:
        ask(pair, licence)
        with pytest.raises(AnswerRefused):
            ask(pair, licence)
    finally:
        pair.network.tamper = None
    # What was asked is on record at both ends, the answer at the one that gave it.
    with pair.dingxi.platform.reading() as session:
        last = session.scalars(
            select(ExchangeRecord).order_by(ExchangeRecord.id.desc()).limit(1)
        ).one()
    assert (last.outcome, last.answer_box) == ("", b"")


def test_a_silent_region_is_left_alone_for_a_while(pair: Pair, licence: Licence) -> None:
    pair.network.cut.add("ali")
    try:
        before = pair.network.asked.get("http://ali/v1/exchange", 0)
        for _ in range(6):
            with pytest.raises(PeerSilent):
                ask(pair, licence)
        assert pair.network.asked["http://ali/v1/exchange"] - before <= 3
    finally:
        pair.network.cut.clear()
    pair.tick.now += 10
    assert ask(pair, licence).checks[0].outcome is Outcome.PASSED


def test_a_purpose_is_said_and_holds_nothing_personal(pair: Pair, licence: Licence) -> None:
    with pytest.raises(BadPurpose):
        asking(pair).ask(
            Wish("542500", Kind.STATUS, licence.identifier), purpose="13800138000",
            by=pair.dingxi.region.caller("market.clerk"), at=utc_now(),
        )  # fmt: skip


def test_a_region_that_contradicts_itself_is_named_and_both_halves_are_kept(pair: Pair) -> None:
    """By its answer it has been void for a minute; by the list that it signed since it is not."""
    liar = pair.ali.region.issued()
    pair.tick.now += 10
    assert pair.dingxi.verify(liar.claim).outcome is Outcome.PASSED
    with pair.ali.platform.sessions.begin() as session:
        session.execute(
            update(Licence).where(Licence.identifier == liar.identifier)
            .values(state=LicenceState.REVOKED, state_at=utc_now() - timedelta(minutes=1))
        )  # fmt: skip
    found = ask(pair, liar)
    (check,) = found.checks
    assert (check.outcome, check.code) == (Outcome.INDETERMINATE, "peer_disagrees")
    with pair.dingxi.platform.reading() as session:
        row = session.scalars(
            select(PeerDisagreement).order_by(PeerDisagreement.id.desc()).limit(1)
        ).one()
    assert (row.region, row.record, row.answered, row.listed) == (
        "542500", found.id, "revoked", "valid"
    )  # fmt: skip
    assert row.status_list
    warned = health.warnings(pair.dingxi.platform, utc_now())
    assert ("trust_list 542500", "peer_contradicts_itself") in [(w.what, w.code) for w in warned]


def test_an_office_that_says_what_for_hears_the_region_itself(pair: Pair) -> None:
    """Its desk asks beside the status list; what it hears is in the report."""
    made, platform = pair.ali.region.issued(), pair.dingxi.platform
    knowledge = asking_too(
        platform.knowledge, asking(pair), purpose="窗口核验",
        by=pair.dingxi.region.caller("market.clerk"),
    )  # fmt: skip
    for given in (verify_claim(made.claim, knowledge, at=utc_now()),
                  verify_file(pair.ali.region.file(made), knowledge, at=utc_now())):  # fmt: skip
        assert given.outcome is Outcome.PASSED, given.checks
        assert given.checks[-1].name == "state.asked"
    end(pair.ali.region, made)
    # At once, though the list at hand is still the old one.
    assert verify_claim(made.claim, knowledge, at=utc_now()).outcome is Outcome.FAILED
    pair.network.cut.add("ali")
    try:
        pair.later()
        alone = verify_claim(made.claim, knowledge, at=utc_now())
        assert "state.asked" not in [check.name for check in alone.checks]
    finally:
        pair.network.cut.clear()
        pair.later()


def test_of_a_region_that_contradicts_itself_neither_word_counts(pair: Pair) -> None:
    liar, platform = pair.ali.region.issued(), pair.dingxi.platform
    pair.later()
    assert pair.dingxi.verify(liar.claim).outcome is Outcome.PASSED
    with pair.ali.platform.sessions.begin() as session:
        session.execute(
            update(Licence).where(Licence.identifier == liar.identifier)
            .values(state=LicenceState.SUSPENDED, state_at=utc_now() - timedelta(minutes=1))
        )  # fmt: skip
    knowledge = asking_too(
        platform.knowledge, asking(pair), purpose="窗口核验",
        by=pair.dingxi.region.caller("market.clerk"),
    )  # fmt: skip
    report = verify_claim(liar.claim, knowledge, at=utc_now())
    assert report.outcome is Outcome.INDETERMINATE, report.checks
    assert [c.name for c in report.checks if c.name.startswith("state")] == ["state.asked"]


def test_the_evidence_is_verified_again_by_command(
    pair: Pair, licence: Licence, capsys: pytest.CaptureFixture[str]
) -> None:
    found = ask(pair, licence)
    for each in (pair.dingxi, pair.ali):
        wanted = Namespace(id=found.id, json=False)
        assert region_evidence.run(wanted, each.platform) == 0
        told = capsys.readouterr().out
        assert "办理迁入" in told
        assert licence.identifier in told
    with pair.dingxi.platform.reading() as session:
        (record,) = exchange_records.find(session, pair.dingxi.platform.vault, found.id)
    head, body, signature = record.answer.split(".")
    spoilt = replace(record, answer=f"{head}.{body}.{signature[:-4]}AAAA")
    codes = [check.code for check in region_evidence.judge(pair.dingxi.platform, spoilt)]
    assert codes == [
        "exchange_signed", "exchange_not_signed", "exchange_bound", "time_stamp_invalid"
    ]  # fmt: skip


def test_the_other_regions_documents_are_fetched_ahead_and_go_into_the_bundle(
    pair: Pair, licence: Licence
) -> None:
    pair.later()  # what was fetched before there was any licence has had its time
    platform, at = pair.dingxi.platform, utc_now()
    assert peer_refresh.refresh(platform.peers, at=at) >= 5  # a status list, four CRLs
    pair.network.cut.add("ali")
    try:
        data = offline.write(platform, at=at, foreign=peers.PeerEntries(platform))
    finally:
        pair.network.cut.clear()
        pair.later()
    known = bundle_knowledge.read(data, at=at)
    away = evidence.offline(known, evidence.store_of(known))
    report = verify_claim(licence.claim, away, at=at)
    assert report.outcome is Outcome.PASSED, report.checks
    with platform.sessions.begin() as session:
        recognition_policy.set_rule(
            session, "542500", "*", Verdict.REFUSED, by=SYSTEM, at=at
        )  # fmt: skip
    try:
        assert list(peers.PeerEntries(platform)(at=utc_now())) == []
    finally:
        with platform.sessions.begin() as session:
            recognition_policy.set_rule(
                session, "542500", "*", Verdict.FULL, by=SYSTEM, at=utc_now()
            )
        platform.peers.forget()


def bearer(pair: Pair, name: str) -> dict[str, str]:
    """The header of somebody of Dingxi's who has logged in."""
    provider, at = pair.dingxi.app.state.provider, utc_now()
    with provider.sessions.begin() as session:
        client = clients.add(
            session, {"client_name": "desk", "redirect_uris": ["https://desk.example.cn/cb"],
                      "scope": "openid trust"}, by=SYSTEM, at=at,
        ).client  # fmt: skip
        granted = grants.begin_grant(
            session, account=name, client_id=client.client_id, scopes=["openid", "trust"], at=at
        )
        grant_id, sub = granted.id, session.get_one(Account, name).sub
    authorized = Authorized(
        grant_id=grant_id, account=name, subject=sub, scope="openid trust", auth_time=at,
        acr="urn:trust:loa:2", amr=("pwd", "otp", "mfa"),
    )  # fmt: skip
    token = tokens.access_token(
        provider, client, audience=[provider.issuer], scope="openid trust", bound=UNBOUND, at=at,
        authorized=authorized,
    )  # fmt: skip
    return {"Authorization": f"Bearer {token}"}


def test_staff_ask_over_http_and_strangers_do_not(pair: Pair) -> None:
    licence = pair.ali.region.issued()
    wish = {"region": "542500", "kind": "number", "number": licence.number,
            "type_code": licence.type_code, "purpose": "办理迁入"}  # fmt: skip
    path, http = "/v1/exchange/questions", pair.dingxi.client
    assert http.post(path, json=wish).status_code == 401
    headers = bearer(pair, "market.clerk")
    answer = http.post(path, json=wish, headers=headers)
    assert answer.status_code == 200, answer.text
    told = answer.json()["licences"][0]  # the newest of that number
    assert (told["identifier"], told["check"]["code"]) == (licence.identifier, "in_force")
    assert licence.number not in answer.request.url.path
    unknown = http.post(path, json=wish | {"region": "540100"}, headers=headers)
    assert (unknown.status_code, unknown.json()["type"]) == (
        403, "/problems/not_an_exchange_party"
    )  # fmt: skip
    both = http.post(path, json=wish | {"identifier": "x"}, headers=headers)
    assert both.status_code == 422
