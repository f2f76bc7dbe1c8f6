"""An offline bundle as anchors: what each region's own list names, and nothing for another region.

A bundle is believed like a folder of anchors, because somebody handed it over; with anchors at hand
it must be signed by their list signer. Each region's trust list is signed by a signer that the
bundle names, and of what it names only certificates of that very region are taken.
"""

from collections.abc import Iterator
from datetime import datetime

from certificates import evidence, offline_bundle
from certificates.offline_bundle import Bundle, Entry
from trust import chain, lists_judge
from trust.anchors import Anchors
from trust.crypto import jose, x509
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.x509 import Certificate, RevocationList
from trust.errors import Invalid
from trust.lists_judge import ListRefused
from trust.lists_model import ServiceType, TrustList, Was, was_trusted

#: Signers and CAs whose certificates build chains or are looked up by a claim's key id.
_KINDS = (
    ServiceType.ISSUING_CA, ServiceType.CLAIM_SIGNER, ServiceType.COPY_SIGNER,
    ServiceType.SEAL_MAKER, ServiceType.STATUS, ServiceType.LIST_SIGNER, ServiceType.LOG,
    ServiceType.OCSP, ServiceType.TSA,
)  # fmt: skip


class BundleRefused(Invalid):
    code = "bundle_refused"


def read(data: bytes, *, at: datetime, known: Anchors | None = None) -> Anchors:
    """All that the bundle vouches for, with `known`, by which it must then be signed.

    BundleRefused names what is wrong with it.
    """
    try:
        bundle = offline_bundle.parse(data)
        _require_signature(bundle, at=at, known=known)
        found = [_anchors(entry) for entry in bundle.entries]
    except (Malformed, InvalidSignature, UnknownAlgorithm, ListRefused) as error:
        raise BundleRefused(f"the bundle is not to be believed: {error}") from error
    return _joined([*found, *([known] if known else [])])


def _require_signature(bundle: Bundle, *, at: datetime, known: Anchors | None) -> None:
    if known is None:
        (leaf, *_) = bundle.jws.certificates() or (b"",)
        jose.verify(bundle.jws, x509.parse_certificate(leaf).spki)
        return
    store = evidence.store_of(known)
    evidence.check_signer(bundle.jws, store, purpose="list-signer", at=bundle.made_at, now=at)


def _anchors(entry: Entry) -> Anchors:
    """One region's: its list must be its own and signed by whom the bundle names."""
    listed = lists_judge.read(entry.trust_list)
    signers = [x509.parse_certificate(der) for der in entry.list_signers]
    lists_judge.verify_signer(listed, signers)
    if listed.region != entry.region:
        raise Malformed(f"the list of {listed.region} stands under {entry.region}")
    roots = tuple(
        each for each in _own(listed, ServiceType.ROOT_CA) if each.self_issued and each.is_ca
    )
    rest = tuple(each for kind in _KINDS for each in _own(listed, kind))
    crls = tuple(_crls(entry))
    return Anchors(roots, rest, crls, entry.status, (entry.trust_list,))


def _own(listed: TrustList, kind: ServiceType) -> Iterator[Certificate]:
    for service in listed.of_kind(kind):
        try:
            found = x509.parse_certificate(service.certificate)
        except (Malformed, UnknownAlgorithm):
            continue  # a certificate that nobody can read is nobody's
        standing = was_trusted(listed.services, kind, found.der, found.not_after)
        if standing is not Was.COMPROMISED and chain.region_of(found) == listed.region:
            yield found


def _crls(entry: Entry) -> Iterator[RevocationList]:
    """Each is judged by its issuer's signature when it is asked."""
    for der in entry.crls:
        yield x509.parse_crl(der)


def _joined(found: list[Anchors]) -> Anchors:
    return Anchors(
        tuple(each for one in found for each in one.roots),
        tuple(each for one in found for each in one.intermediates),
        tuple(each for one in found for each in one.crls),
        tuple(each for one in found for each in one.status_lists),
        tuple(each for one in found for each in one.trust_lists),
    )
