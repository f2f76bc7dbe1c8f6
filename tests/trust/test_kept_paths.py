"""A remembered path is the one that would be chosen anew, at every moment."""

from datetime import datetime, timedelta

import pytest

from tests.trust.test_validation import KEYS, NOW, SIGNING, Entity, authority, make
from trust import kept_paths
from trust.crypto.x509 import Certificate
from trust.policies import ANY
from trust.revocation import CrlLookup
from trust.validation import Path, PathFailed, TrustStore, choose_path

DAY, SECOND = timedelta(days=1), timedelta(seconds=1)


@pytest.fixture(scope="module")
def renewed() -> tuple[TrustStore, Certificate]:
    """A leaf under two certificates of one CA, the second of which takes over after a gap."""
    root = make("root", KEYS[0], issuer=None, extensions=authority())

    def below(start: datetime, end: datetime, serial: int) -> Entity:
        return make("ca", KEYS[1], issuer=root, extensions=authority(), start=start, end=end,
                    serial=serial)  # fmt: skip

    first = below(NOW - 8 * DAY, NOW - 2 * DAY, 2)
    second = below(NOW - DAY, NOW + 8 * DAY, 3)
    leaf = make("leaf", KEYS[2], issuer=first, extensions=SIGNING)
    cas = (first.certificate, second.certificate)
    return TrustStore((root.certificate,), cas, CrlLookup(())), leaf.certificate


def chosen(store: TrustStore, leaf: Certificate, at: datetime, *, anew: bool) -> Path | str:
    try:
        if anew:
            return choose_path(leaf, intermediates=store.intermediates, anchors=store.roots, at=at)
        return kept_paths.choose(leaf, store=store, at=at, policies=ANY)
    except PathFailed as error:
        return error.code


def test_it_changes_where_a_certificate_begins_or_ends_and_nowhere_else(
    renewed: tuple[TrustStore, Certificate],
) -> None:
    store, leaf = renewed
    every = (*store.roots, *store.intermediates, leaf)
    moments = {time for one in every for time in (one.not_before, one.not_after)}
    found = set()
    for _ in range(3):
        for moment in sorted(moments):
            for at in (moment - SECOND, moment, moment + SECOND):
                anew = chosen(store, leaf, at, anew=True)
                assert chosen(store, leaf, at, anew=False) == anew
                found.add(anew if isinstance(anew, str) else anew.certificates[1].serial)
    assert found == {2, 3, "expired", "not_yet_valid"}


def test_another_store_has_paths_of_its_own(renewed: tuple[TrustStore, Certificate]) -> None:
    store, leaf = renewed
    for _ in range(3):
        assert isinstance(chosen(store, leaf, NOW, anew=False), Path)
    # Equal roots and intermediates, but not the same: nothing of the first is believed for it.
    less = TrustStore(store.roots, store.intermediates[:1], store.revocation)
    for _ in range(3):
        assert chosen(less, leaf, NOW, anew=False) == "expired"
