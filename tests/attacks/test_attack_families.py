"""The published attack families against our own licences and seals: none passes, each by name."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from pyhanko.sign.fields import MDPPerm
from sqlalchemy import select

from certificates.verify import verify_file
from seal import apply
from seal.apply import Impression, Suites
from seal.inspect import inspect
from seal.models import Seal
from seal.pdf.foreign import add_signature
from seal.pdf.sealing import Place
from tests.attacks import appended, certified, forged, shadows, wrapped
from tests.attacks.attack import Attack
from tests.attacks.certified import Certifier
from tests.seal.reading import quick_door
from tests.sealed import Sealed, sealed
from trust.anchors import Anchors
from trust.report import Outcome

__all__ = ["quick_door", "sealed"]

pytestmark = pytest.mark.usefixtures("quick_door")

FAMILIES = {"USF": forged.attacks, "ISA": appended.attacks, "SWA": wrapped.attacks}


def on_licences(sealed: Sealed, suites: Suites) -> Iterator[Attack]:
    for make in FAMILIES.values():
        yield from make(sealed.files[suites])


@pytest.mark.parametrize("suites", list(Suites))
def test_no_forged_licence_passes_and_each_says_why(sealed: Sealed, suites: Suites) -> None:
    knowledge, seen = sealed.offline(), Counter[str]()
    wrong = []
    for attack in on_licences(sealed, suites):
        found = verify_file(attack.pdf, knowledge, at=sealed.at)
        said = {check.code for check in found.checks if check.outcome is not Outcome.PASSED}
        seen[attack.family] += 1
        if found.outcome is not Outcome.FAILED or not said & attack.codes:
            wrong.append((attack.family, attack.name, str(found.outcome), sorted(said)))
        assert found.licence is None
    assert wrong == []
    assert all(seen[family] >= 10 for family in FAMILIES), seen


@pytest.mark.parametrize("suites", list(Suites))
def test_no_forged_licence_passes_the_inspection_for_foreign_files(
    sealed: Sealed, suites: Suites
) -> None:
    known = sealed.anchors()
    for attack in on_licences(sealed, suites):
        found = inspect(attack.pdf, now=sealed.at, anchors=known)
        assert found.outcome is not Outcome.PASSED, (attack.family, attack.name)


# --- documents that the forger prepared -----------------------------------------------------------


@pytest.fixture(scope="module")
def seal(sealed: Sealed) -> Impression:
    with sealed.region.platform.reading() as session:
        es_id = session.scalars(select(Seal.es_id)).first()
        assert es_id is not None
        return apply.impression(session, es_id, at=sealed.at)


def seal_it(sealed: Sealed, seal: Impression, pdf: bytes, suites: Suites) -> bytes:
    return apply.apply(
        pdf, [(seal, Place(1, 60, 30))], suites=suites, keys=sealed.region.platform.keys,
        at=sealed.at, add=add_signature,
    )  # fmt: skip


@pytest.mark.parametrize("suites", list(Suites))
def test_no_shadow_document_passes_and_each_says_why(
    sealed: Sealed, seal: Impression, suites: Suites
) -> None:
    good = seal_it(sealed, seal, shadows.prepared(), suites)
    twice = seal_it(sealed, seal, shadows.prepared(twice=True), suites)
    known = sealed.anchors()
    assert inspect(good, now=sealed.at, anchors=known).outcome is Outcome.PASSED
    assert inspect(twice, now=sealed.at, anchors=known).outcome is Outcome.PASSED
    require_refused(list(shadows.attacks(good, twice)), sealed.at, known)


def require_refused(files: list[Attack], at: datetime, known: Anchors) -> None:
    wrong = []
    for attack in files:
        found = inspect(attack.pdf, now=at, anchors=known)
        said = {c.code for c in found.every_check() if c.outcome is not Outcome.PASSED}
        if found.outcome is Outcome.PASSED or not said & attack.codes:
            wrong.append((attack.family, attack.name, str(found.outcome), sorted(said)))
    assert wrong == []


def test_no_attack_on_a_certified_document_passes_and_each_says_why(sealed: Sealed) -> None:
    certifier = Certifier("A certifier", at=sealed.at)
    stranger = Certifier("A stranger", at=sealed.at)
    known = Anchors((certifier.certificate,))
    later = sealed.at + timedelta(minutes=5)
    page = shadows.prepared()
    plain = inspect(certifier.certify(page, MDPPerm.ANNOTATE), now=later, anchors=known)
    trouble = {c.code for c in plain.every_check() if c.outcome is not Outcome.PASSED}
    assert trouble <= {"revocation_unknown"}
    require_refused(list(certified.attacks(page, certifier, stranger)), later, known)


def test_a_trusted_signature_too_is_a_change_where_the_certification_permits_nothing(
    sealed: Sealed,
) -> None:
    one, two = (Certifier(name, at=sealed.at) for name in ("one", "two"))
    known = Anchors((one.certificate, two.certificate))
    later = sealed.at + timedelta(minutes=5)
    for permission, code in ((MDPPerm.FILL_FORMS, "signed_again"), (MDPPerm.NO_CHANGES, "changed")):
        pdf = two.sign(one.certify(shadows.prepared(), permission))
        first = inspect(pdf, now=later, anchors=known).signatures[0]
        assert code in [check.code for check in first.checks]


def test_a_licence_takes_no_sneaky_signature(sealed: Sealed) -> None:
    """A stranger signs after the seals, in a field that covers the page."""
    stranger = Certifier("A stranger", at=sealed.at)
    for suites in Suites:
        for lock, covering in ((False, False), (True, False), (True, True)):
            sneaky = stranger.sign(sealed.files[suites], lock=lock, covering=covering)
            for knowledge in (sealed.offline(), sealed.online()):
                found = verify_file(sneaky, knowledge, at=sealed.at)
                said = {c.code for c in found.checks if c.outcome is not Outcome.PASSED}
                assert found.outcome is not Outcome.PASSED
                assert said & {"no_anchor", "not_locked", "changed_between", "changed"}, said
                assert found.licence is None


def test_there_are_at_least_forty_different_files_in_all_families(
    sealed: Sealed, seal: Impression
) -> None:
    files = [attack for suites in Suites for attack in on_licences(sealed, suites)]
    page = shadows.prepared()
    files += shadows.attacks(
        *(
            seal_it(sealed, seal, shadows.prepared(twice=twice), Suites.DUAL)
            for twice in (False, True)
        )
    )
    one, two = (Certifier(name, at=sealed.at) for name in ("one", "two"))
    files += certified.attacks(page, one, two)
    counted = Counter(attack.family for attack in files)
    assert set(counted) == {
        "USF", "ISA", "SWA", "shadow hide", "shadow replace", "shadow hide-and-replace", "EAA",
        "SSA",
    }  # fmt: skip
    assert len({attack.pdf for attack in files}) == len(files) >= 180, counted
