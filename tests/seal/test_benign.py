"""Honest files are not refused: at most six of them, and those are named here with the reason."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import cycle

import pytest
from pyhanko.sign.fields import MDPPerm
from sqlalchemy import select

from seal import apply
from seal.apply import Impression, Suites
from seal.inspect import inspect
from seal.models import Seal
from seal.pdf.errors import BadPdf
from seal.pdf.foreign import add_signature
from seal.pdf.sealing import Place
from tests.attacks.certified import Certifier
from tests.certificates.mutated_revisions import long_term
from tests.seal import benign
from tests.seal.reading import quick_door
from tests.sealed import Sealed, sealed
from trust.anchors import Anchors
from trust.report import Outcome

__all__ = ["quick_door", "sealed"]

pytestmark = pytest.mark.usefixtures("quick_door")

#: Honest files that are refused, and why we keep it so.
REFUSED = {
    "Pillow": "generation 65536 for the free object, which ISO 32000-1, 7.5.4 forbids",
    "poppler (pdfunite)": "a trailer whose Size is below its objects' numbers (7.5.5)",
}
REFUSED_MAX, FILES_MIN = 6, 60


@pytest.fixture(scope="module")
def seal(sealed: Sealed) -> Impression:
    with sealed.region.platform.reading() as session:
        es_id = session.scalars(select(Seal.es_id)).first()
        assert es_id is not None
        return apply.impression(session, es_id, at=sealed.at)


def seal_it(sealed: Sealed, seal: Impression, pdf: bytes, suites: Suites) -> bytes:
    return apply.apply(
        pdf, [(seal, Place(1, 60, 50))], suites=suites, keys=sealed.region.platform.keys,
        at=sealed.at, add=add_signature,
    )  # fmt: skip


def files(sealed: Sealed, seal: Impression) -> Iterator[tuple[str, bytes | BadPdf]]:
    """Each honest file after its sealing, or why it could not be sealed."""
    suites = cycle(Suites)
    for name, make in benign.FILES.items():
        try:
            yield name, seal_it(sealed, seal, make(), next(suites))
        except BadPdf as error:
            yield name, error
    for name, make in benign.PROGRAMS.items():
        try:
            yield name, seal_it(sealed, seal, make(), Suites.DUAL)
        except FileNotFoundError:
            continue
        except BadPdf as error:
            yield name, error
    page = benign.FILES["pikepdf"]()
    for one, two in ((Suites.SM2, Suites.RSA), (Suites.RSA, Suites.SM2)):
        # Two offices, one after the other; the first leaves the file open.
        first = apply.stamp(
            page, seal, Place(1, 30, 30), number=1, lock=False, keys=sealed.region.platform.keys,
            at=sealed.at, add=add_signature,
        )  # fmt: skip
        yield f"two seals, {one} and {two}", seal_it(sealed, seal, first, two)
    yield "long-term data after the seals", long_term(sealed.dual)


def by_pyhanko(certifier: Certifier) -> Iterator[tuple[str, bytes]]:
    """Signed by another program, without any of our seals."""
    for name in ("typst, words", "pikepdf, object streams", "pikepdf, a form filled in", "PDFium",
                 "pikepdf, linearized"):  # fmt: skip
        page = benign.FILES[name]()
        yield f"certified by pyHanko: {name}", certifier.certify(page, MDPPerm.FILL_FORMS)
    twice = certifier.sign(certifier.certify(benign.FILES["by hand"](), MDPPerm.FILL_FORMS))
    yield "certified by pyHanko, then signed", twice


def test_honest_files_of_many_makers_are_not_refused(sealed: Sealed, seal: Impression) -> None:
    certifier = Certifier("Another office", at=sealed.at)
    known = sealed.anchors()
    known = Anchors((*known.roots, certifier.certificate), known.intermediates, known.crls)
    now = sealed.at + timedelta(minutes=1)
    refused: dict[str, str] = {}
    count = 0
    for name, pdf in [*files(sealed, seal), *by_pyhanko(certifier)]:
        count += 1
        if isinstance(pdf, BadPdf):
            refused[name] = str(pdf)
            continue
        found = inspect(pdf, now=now, anchors=known)
        if found.outcome is Outcome.FAILED:
            refused[name] = str([c.code for c in found.every_check()])
        elif found.outcome is Outcome.INDETERMINATE:
            said = {c.code for c in found.every_check() if c.outcome is not Outcome.PASSED}
            # A file whose readers differ is said, not judged; it is not refused.
            assert said <= {"not_judged", "revocation_unknown"}, (name, said)
    print(f"{count} honest files, {len(refused)} refused")
    assert count >= FILES_MIN
    assert refused.keys() <= REFUSED.keys(), refused
    assert len(refused) <= REFUSED_MAX
