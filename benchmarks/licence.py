"""Issuing and verifying, beside pyHanko, in CPU time of one process, taken in turns.

    python -m benchmarks.licence

The naive way is what a straightforward service does: compile the page with a fresh typst, put the
SM2 seal in with pyHanko, load the RSA-2048 key from PEM, sign with pyHanko, write the file. Ours
renders, seals with SM2 and RSA, reads its own output as a stranger would, stores it sealed and
records it in two transactions. Ours is also taken with time-stamps and evidence (B-LT), which the
naive way has none of.
"""

import io
import itertools
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from certificates import catalogue, issue, publish
from certificates.document import Renderer
from certificates.models import Authority, Licence
from certificates.verify import verify_file
from certificates.verify_claim import verify_claim
from seal import apply as seal_apply
from seal.pdf import foreign
from seal.pdf.sealing import Place
from tests.regions import Region, build
from trust.clock import utc_now

ROUNDS, EACH = 5, 8
Row = tuple[str, float, str]


def cpu_ms(act: Callable[[], object], times: int = EACH) -> float:
    """CPU milliseconds a call, children and threads of this process included."""
    began = time.process_time()
    for _ in range(times):
        act()
    return (time.process_time() - began) * 1000 / times


def company(serial: int) -> str:
    return f"阿里雪域高原第{serial}农牧科技发展有限公司"


class Bench:
    """A region, one issued licence, and the ways of doing the work."""

    def __init__(self, home: Path) -> None:
        self.home, self.serials = home, itertools.count(1)
        self.region: Region = build(home / "region")
        self.platform = self.region.platform
        # Pages rendered whole: stamped ones are `benchmarks.bulk`'s.
        self.platform.__dict__["renderer"] = Renderer()
        self.lasting = self.platform.workshop(at=utc_now())
        self.workshop = replace(self.lasting, long_term=None)
        self.by = self.region.caller("market.approver")
        self.lasting_licence: Licence = self.region.issued()
        self.lasting_pdf = self.region.file(self.lasting_licence)
        (key,) = self.applications(1)
        self.licence: Licence = issue.issue(self.workshop, key, by=self.by, at=utc_now())
        self.pdf = self.region.file(self.licence)
        self.known = self.platform.knowledge
        with self.platform.sessions.begin() as session:
            es_id = session.get_one(Authority, self.licence.authority).seal
            self.seal = seal_apply.impression(session, str(es_id), at=utc_now())
            self.roots = publish.anchors(session).roots
        self.page_of = self._page()
        self.page = self.page_of(self.platform.renderer)
        self._prepare_rival()

    def _page(self) -> Callable[[Renderer], bytes]:
        """Renders the licence's own page again."""
        raw = self.platform.vault.unseal(
            self.licence.content_box, context=f"licence/{self.licence.identifier}"
        )
        from certificates.verify_content import read_content

        metadata = read_content(raw)["licence"]
        kind = catalogue.find(self.licence.type_code)

        def page(renderer: Renderer) -> bytes:
            # Another holder, number and code each time: typst remembers what it has set before.
            serial = next(self.serials)
            fresh = metadata | {"CZZT": company(serial), "ZZBS": f"{metadata['ZZBS'][:-9]}{serial}"}
            return renderer.render(
                kind, fresh, attachment=raw, qr_text=f"{self.licence.claim[:-5]}{serial:05d}",
                verify_at="http://localhost:8000/verify", at=utc_now(),
            )  # fmt: skip

        return page

    def _prepare_rival(self) -> None:
        """A key in an encrypted PEM file and a certificate, as such a service keeps them."""
        key = rsa.generate_private_key(65537, 2048)
        self.key_file = self.home / "key.pem"
        encryption = BestAvailableEncryption(b"secret")
        self.key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))
        self.certificate = asn1_x509.Certificate.load(self.seal.rsa_certificate)
        self.chain = asn1_x509.Certificate.load(self.seal.rsa_chain)

    def applications(self, count: int) -> list[UUID]:
        return [self.region.approved(CZZT=company(next(self.serials))) for _ in range(count)]

    def issue(self, keys: list[UUID]) -> Callable[[], object]:
        return lambda: issue.issue(self.workshop, keys.pop(), by=self.by, at=utc_now())

    def issue_lasting(self, keys: list[UUID]) -> Callable[[], object]:
        return lambda: issue.issue(self.lasting, keys.pop(), by=self.by, at=utc_now())

    def render(self) -> bytes:
        return self.page_of(self.platform.renderer)

    def seal_only(self) -> bytes:
        return seal_apply.apply(
            self.page, [(self.seal, Place(1, 160, 40))], keys=self.platform.keys, at=utc_now()
        )

    def seal_lasting(self) -> bytes:
        return seal_apply.apply(
            self.page, [(self.seal, Place(1, 160, 40))], keys=self.platform.keys, at=utc_now(),
            long_term=self.platform.long_term,
        )  # fmt: skip

    def naive(self) -> None:
        sealed = self.rival_seal(self.page_of(Renderer()))
        (self.home / "naive.pdf").write_bytes(sealed)

    def rival_seal(self, page: bytes) -> bytes:
        """Both seals through pyHanko; SM2 by our engine, which it would have to borrow anyway."""
        stamped = seal_apply.stamp(
            page, self.seal, Place(1, 160, 40), number=1, lock=False, keys=self.platform.keys,
            at=utc_now().replace(microsecond=0), add=foreign.add_signature,
        )  # fmt: skip
        return self.rival_sign(stamped)

    def rival_key(self) -> Any:
        from pyhanko.keys import load_private_key_from_pemder

        return load_private_key_from_pemder(str(self.key_file), b"secret")

    def rival_sign(self, page: bytes, *, key: Any = None) -> bytes:
        """The RSA seal by pyHanko, by a key that is loaded now unless one is given."""
        key = key or self.rival_key()
        store = SimpleCertificateStore()
        store.register(self.chain)
        signer = signers.SimpleSigner(
            signing_cert=self.certificate, signing_key=key, cert_registry=store
        )
        metadata: Any = signers.PdfSignatureMetadata(field_name="S", md_algorithm="sha256")
        writer = IncrementalPdfFileWriter(io.BytesIO(page))
        made: bytes = signers.sign_pdf(writer, metadata, signer=signer).getvalue()
        return made

    def rival_verify(self) -> None:
        reader = PdfFileReader(io.BytesIO(self.pdf))
        found: Any = next(iter(reader.embedded_regular_signatures))
        roots = [asn1_x509.Certificate.load(root.der) for root in self.roots]
        rsa_roots = [root for root in roots if root.public_key.algorithm == "rsa"]
        context = ValidationContext(trust_roots=rsa_roots, allow_fetching=False)
        usage = KeyUsageConstraints(key_usage={"digital_signature"})
        status = validate_pdf_signature(found, context, key_usage_settings=usage)
        if not status.bottom_line:
            raise RuntimeError(status.summary())

    def verify_signatures(self) -> None:
        from certificates.press.own_output import require_sound

        require_sound(self.pdf, self.licence.claim, self.known, at=utc_now())

    def verify_lasting(self) -> None:
        from certificates.press.own_output import require_sound

        claim = self.lasting_licence.claim
        require_sound(self.lasting_pdf, claim, self.known, at=utc_now())

    def verify_whole(self) -> None:
        verify_file(self.pdf, self.known, at=utc_now())

    def verify_code(self) -> None:
        verify_claim(self.licence.claim, self.known, at=utc_now())


def measure(bench: Bench) -> dict[str, float]:
    """Median CPU milliseconds of each way, taken in turns."""
    keys = bench.applications(2 * (ROUNDS * EACH + 1))
    ways: dict[str, Callable[[], object]] = {
        "issue": bench.issue(keys), "render": bench.render, "seal": bench.seal_only,
        "naive": bench.naive, "naive seal": lambda: bench.rival_seal(bench.page),
        "verify": bench.verify_signatures, "verify whole": bench.verify_whole,
        "rival verify": bench.rival_verify, "code": bench.verify_code,
        "issue B-LT": bench.issue_lasting(keys), "seal B-LT": bench.seal_lasting,
        "verify B-LT": bench.verify_lasting,
    }  # fmt: skip
    for act in ways.values():
        act()
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, act in ways.items():
            taken[name].append(cpu_ms(act))
    return {name: statistics.median(values) for name, values in taken.items()}


def rows() -> list[Row]:
    """(what, ratio or milliseconds, remark)."""
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as home:
        bench = Bench(Path(home))
        ms, grown = measure(bench), len(bench.lasting_pdf) - len(bench.pdf)
    sealing_and_storing = ms["issue"] - ms["render"] - ms["verify"]
    return [
        ("issue against the naive way", ms["naive"] / ms["issue"],
         f"x faster; {ms['issue']:.1f} ms CPU against {ms['naive']:.1f}"),
        ("sealing and storing / rendering", sealing_and_storing / ms["render"],
         f"of the rendering's CPU ({ms['render']:.1f} ms)"),
        ("reading the own output / rendering", ms["verify"] / ms["render"],
         f"of the rendering's CPU ({ms['verify']:.1f} ms)"),
        ("dual seal against pyHanko, fresh key", ms["naive seal"] / ms["seal"],
         f"x faster; {ms['seal']:.2f} ms CPU for SM2 + RSA"),
        ("verify both seals against pyHanko (RSA)", ms["rival verify"] / ms["verify"],
         f"x faster; {ms['verify']:.2f} ms CPU"),
        ("issue B-LT / issue B-B", ms["issue B-LT"] / ms["issue"],
         f"{ms['issue B-LT']:.1f} ms CPU: two time-stamps, seven OCSP answers; {grown} bytes more"),
        ("seal B-LT / seal B-B", ms["seal B-LT"] / ms["seal"],
         f"{ms['seal B-LT']:.1f} ms CPU, stamps recorded by our own authority"),
        ("reading own output, B-LT / B-B", ms["verify B-LT"] / ms["verify"],
         f"{ms['verify B-LT']:.1f} ms CPU"),
        ("verify a file with its QR code", ms["verify whole"], "ms CPU, page rasterised"),
        ("verify a QR code", ms["code"], "ms CPU, registry on SQLite"),
    ]  # fmt: skip


if __name__ == "__main__":
    for what, value, remark in rows():
        print(f"{what:42} {value:8.2f}  {remark}")
