import pytest

from trust.crypto import algorithms
from trust.crypto.algorithms import Algorithm, KeyKind
from trust.crypto.errors import UnknownAlgorithm


@pytest.mark.parametrize("algorithm", Algorithm)
def test_every_algorithm_is_found_by_its_oid_and_its_jose_name(algorithm: Algorithm) -> None:
    row = algorithm.row
    assert row.algorithm is algorithm
    assert not row.oid or algorithms.by_oid(row.oid) is algorithm
    assert algorithms.by_jose(row.jose) is algorithm


def test_only_eddsa_signs_nothing_of_x509() -> None:
    assert [row.algorithm for row in algorithms.TABLE.values() if not row.oid] == [Algorithm.EDDSA]


@pytest.mark.parametrize("kind", KeyKind)
def test_every_kind_has_a_default_that_fits_it(kind: KeyKind) -> None:
    assert algorithms.DEFAULT[kind].row.key is kind


@pytest.mark.parametrize(("oid", "name"), algorithms.REFUSED.items())
def test_a_weak_algorithm_is_refused_by_its_name(oid: str, name: str) -> None:
    with pytest.raises(UnknownAlgorithm) as refusal:
        algorithms.by_oid(oid)
    assert name in str(refusal.value)
    assert oid in str(refusal.value)


@pytest.mark.parametrize("oid", ["1.2.3", "", "1.2.840.113549.1.1.1", "1.3.101.112"])
def test_an_unlisted_oid_is_refused(oid: str) -> None:
    with pytest.raises(UnknownAlgorithm):
        algorithms.by_oid(oid)


@pytest.mark.parametrize("name", ["none", "None", "HS256", "rs256", "RS1", "Ed448", ""])
def test_an_unlisted_jose_name_is_refused(name: str) -> None:
    with pytest.raises(UnknownAlgorithm, match=repr(name)):
        algorithms.by_jose(name)
