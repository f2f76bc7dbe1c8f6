"""The desk's pages of certificates, CRLs and health, by forms alone."""

import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from ca import crl, issuers
from ca.models import Certificate, CertificateState, Crl
from seal.models import Seal
from tests.regions import MARKET
from tests.seal import living
from tests.server.conftest import Served
from tests.server.desk import Desk, open_desk
from tests.server.identity_site import BROWSER, Page, Visit
from trust.clock import CHINA, utc_now
from trust.crypto import x509

READERS = ("desk.audit", "desk.guard")


@pytest.fixture(scope="module")
def desk(served: Served, client: TestClient) -> Desk:
    return open_desk(served.app, served.region)


@pytest.fixture
def certificate(desk: Desk) -> tuple[str, str]:
    """Issuer and serial number of a certificate of a seal that nobody else uses."""
    es_id = living.made(desk.region).es_id
    with desk.region.platform.reading() as session:
        der = session.get_one(Seal, es_id).sm2_certificate
        row = session.scalars(select(Certificate).where(Certificate.der == der)).one()
        return row.issuer, row.serial


def act(visit: Visit, where: str, name: str, **values: str) -> Page:
    page = visit.get(f"{where}/act/{name}")
    return visit.post(page, f"/act/{name}", **values)


def listed(desk: Desk, issuer: str) -> dict[int, int]:
    """Serial numbers of the newest CRL with their reasons."""
    with desk.region.platform.reading() as session:
        der = crl.newest(session, issuer)
    assert der is not None
    return {entry.serial: entry.reason for entry in x509.parse_crl(der).entries.values()}


def test_a_certificate_is_held_released_and_revoked_and_each_crl_says_so(
    desk: Desk, certificate: tuple[str, str]
) -> None:
    issuer, serial = certificate
    where, number = f"/desk/certificates/{issuer}/{serial}", int(serial, 16)
    visit = desk.visit("desk.ca")
    assert "已暂停" in act(visit, where, "hold").text
    assert listed(desk, issuer)[number] == 6
    assert "有效" in act(visit, where, "release").text
    assert number not in listed(desk, issuer)
    page = act(visit, where, "revoke", reason="superseded", understood="yes")
    assert "已被替换" in page.text
    assert listed(desk, issuer)[number] == 4
    assert not [each for each in page.all("a") if "/act/" in each.get("href", "")]
    act(visit, where, "hold")
    assert visit.answer.status_code == 409


@pytest.mark.parametrize(
    ("minutes_ago", "sent", "status"),
    [
        (31, {"reason": "superseded", "understood": "yes"}, 403),
        (0, {"reason": "superseded"}, 422), (0, {"understood": "yes"}, 422),
        (0, {"reason": "certificate_hold", "understood": "yes"}, 422),
    ],
)  # fmt: skip
def test_revoking_wants_a_fresh_sign_in_its_box_and_a_reason(
    desk: Desk, certificate: tuple[str, str], minutes_ago: int, sent: dict[str, str], status: int
) -> None:
    issuer, serial = certificate
    where = f"/desk/certificates/{issuer}/{serial}"
    visit = desk.visit("desk.ca", minutes_ago=minutes_ago)
    token = visit.get(f"{where}/act/hold").form("/hold")["fields"]["csrf"]
    answer = visit.http.post(f"{where}/act/revoke", data=sent | {"csrf": token}, headers=BROWSER)
    assert answer.status_code == status
    with desk.region.platform.reading() as session:
        row = session.scalars(select(Certificate).where(Certificate.serial == serial)).one()
        assert row.state == CertificateState.ISSUED


def test_the_page_of_a_certificate_says_what_falls_with_it(
    desk: Desk, certificate: tuple[str, str]
) -> None:
    visit = desk.visit("desk.ca")
    assert "印章的证书" in visit.get("/desk/certificates/{}/{}".format(*certificate)).text
    page = visit.get("/desk/certificates?q=issuing-sm2&issuer=root-sm2")
    for each in page.all("a"):
        if each.get("href", "").startswith("/desk/certificates/root-sm2/"):
            visit.get(each["href"])
            if "此为 CA 的证书" in visit.answer.text:
                page = visit.get(each["href"] + "/act/revoke")
                assert "其下全部证书随之失效" in page.text
                return
    with desk.region.platform.reading() as session:
        der = issuers.find(session, "issuing-sm2").certificate
        row = session.scalars(select(Certificate).where(Certificate.der == der)).one()
    assert "此为 CA 的证书" in visit.get(f"/desk/certificates/{row.issuer}/{row.serial}").text


def test_certificates_are_found_filtered_and_paged(
    desk: Desk, certificate: tuple[str, str]
) -> None:
    issuer, serial = certificate
    with desk.region.platform.sessions.begin() as session:
        row = session.scalars(select(Certificate).where(Certificate.serial == serial)).one()
        session.add_all(
            Certificate(
                issuer=issuer, serial=f"{n:x}", profile="seal", subject=f"CN=页 {n}",
                state=CertificateState.ABANDONED, not_before=row.not_before,
                not_after=row.not_after,
            )
            for n in range(1, 61)
        )  # fmt: skip
    visit = desk.visit("desk.ca")
    here = "/desk/certificates?"

    def found(query: str) -> tuple[list[str], Page]:
        page = visit.get(here + query)
        return re.findall(r'href="(/desk/certificates/[^"/]+/[0-9a-f]+)"', visit.answer.text), page

    first, page = found("state=abandoned")
    assert len(first) == 50
    onward = next(each["href"] for each in page.all("a") if "below=" in each["href"])
    visit.get(onward)
    rest = re.findall(r'href="(/desk/certificates/[^"/]+/[0-9a-f]+)"', visit.answer.text)
    assert len(set(first) | set(rest)) == 60
    spaced = ":".join(re.findall("..?", serial.upper()))
    for query in (f"q={serial}", f"q={spaced}"):
        assert found(query)[0] == [f"/desk/certificates/{issuer}/{serial}"]
    assert f"/desk/certificates/{issuer}/{serial}" in found(f"q={MARKET.name}")[0]
    assert found("q=%25")[0] == []
    assert found("issuer=nobody")[0] == []
    with desk.region.platform.sessions.begin() as session:
        soon = utc_now() + timedelta(days=20)
        session.execute(
            update(Certificate).where(Certificate.serial == serial).values(not_after=soon)
        )
    assert found("days=30")[0] == [f"/desk/certificates/{issuer}/{serial}"]
    page = desk.visit("desk.system").get("/desk/health")
    assert f"{issuer} {serial}" in page.text
    with desk.region.platform.sessions.begin() as session:
        session.execute(
            update(Certificate).where(Certificate.serial == serial).values(not_after=row.not_after)
        )


@pytest.mark.parametrize("name", READERS)
def test_auditors_and_security_administrators_look_and_change_nothing(
    desk: Desk, certificate: tuple[str, str], name: str
) -> None:
    issuer, serial = certificate
    where = f"/desk/certificates/{issuer}/{serial}"
    visit = desk.visit(name)
    for path in ("/desk/certificates", where, "/desk/crls", "/desk/health"):
        page = visit.get(path)
        assert visit.answer.status_code == 200, path
        assert [form for form in page.forms if form["action"] != "/desk/certificates"] == []
        assert not [each for each in page.all("a") if "/act/" in each.get("href", "")]
    for path in (f"{where}/act/revoke", "/desk/crls"):
        answer = visit.http.post(path, data={"reason": "superseded"}, headers=BROWSER)
        assert answer.status_code == 403
    visit.get(f"{where}/act/hold")
    assert visit.answer.status_code == 403


@pytest.mark.parametrize("name", ["market.seal", "market.clerk", "market.approver"])
def test_other_offices_have_no_certificates(desk: Desk, name: str) -> None:
    visit = desk.visit(name)
    for path in ("/desk/certificates", "/desk/crls", "/desk/health"):
        visit.get(path)
        assert visit.answer.status_code == 403


def test_what_is_not_there_is_not_found(desk: Desk) -> None:
    visit = desk.visit("desk.ca")
    for path in ("issuing-sm2/0", "nobody/1", "issuing-sm2/zz", "issuing-sm2/1/act/destroy"):
        visit.get(f"/desk/certificates/{path}")
        assert visit.answer.status_code == 404, path


def test_a_crl_is_published_at_once(desk: Desk) -> None:
    visit = desk.visit("desk.ca")

    def number() -> int:
        with desk.region.platform.reading() as session:
            newest = select(Crl.number).where(Crl.issuer == "root-sm2").order_by(Crl.id.desc())
            return session.scalars(newest).first() or 0

    before = number()
    page = visit.get("/desk/crls")
    form = next(each for each in page.forms if each["fields"].get("issuer") == "root-sm2")
    sent = visit.http.post("/desk/crls", data=form["fields"], headers=BROWSER)
    assert "done=crl" in sent.headers["location"]
    assert number() == before + 1
    unknown = visit.http.post("/desk/crls", data=form["fields"] | {"issuer": "x"}, headers=BROWSER)
    assert unknown.status_code == 404
    foreign = visit.http.post("/desk/crls", data={"issuer": "root-sm2"}, headers=BROWSER)
    assert foreign.status_code == 403
    assert number() == before + 1


def test_the_machines_health_says_what_readyz_says(desk: Desk, client: TestClient) -> None:
    page, told = desk.visit("desk.system").get("/desk/health"), client.get("/readyz").json()
    assert ("就绪" in page.text and "未就绪" not in page.text) is told["ready"]
    for each in told["warnings"]:
        assert each["what"].partition(" ")[2] in page.text
    with desk.region.platform.reading() as session:
        names = [row.name for row in issuers.ours(session)]
    assert [name for name in names if name not in page.text] == []
    assert "seal-maker" in page.text


def test_a_crl_near_its_end_is_a_warning_in_words(desk: Desk) -> None:
    at = utc_now()
    with desk.region.platform.sessions.begin() as session:
        crl.publish(
            session, "root-rsa", keys=desk.region.platform.keys, by=desk.region.caller("desk.ca"),
            at=at, lifetime=timedelta(hours=5),
        )  # fmt: skip
        session.execute(
            update(Crl).where(Crl.issuer == "root-rsa").values(next_update=at + timedelta(hours=5))
        )
    page = desk.visit("desk.ca").get("/desk/health")
    assert "吊销列表 CRL root-rsa 临近到期" in page.text
    until = (at + timedelta(hours=5)).astimezone(CHINA)
    assert f"near its end {until:%Y-%m-%d %H:%M:%S}" in page.text
    visit = desk.visit("desk.ca")
    page = visit.get("/desk/crls")
    form = next(each for each in page.forms if each["fields"].get("issuer") == "root-rsa")
    visit.http.post("/desk/crls", data=form["fields"], headers=BROWSER)
    assert "root-rsa 临近到期" not in visit.get("/desk/health").text
