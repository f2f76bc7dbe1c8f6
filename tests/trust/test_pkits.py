"""NIST's path validation suite: nothing accepted falsely, every stricter answer known."""

import pytest

from tests.trust import pkits

pytestmark = pytest.mark.skipif(
    not pkits.HOME.is_dir(), reason="the PKITS files are not at ../shared/data/pkits"
)


@pytest.fixture(scope="module")
def results() -> list[pkits.Result]:
    return [pkits.judge(case) for case in pkits.cases()]


def test_every_case_of_the_suite_is_run(results: list[pkits.Result]) -> None:
    assert (len(results), sum(result.expected for result in results)) == (246, 110)


def test_nothing_is_accepted_that_the_suite_refuses(results: list[pkits.Result]) -> None:
    assert [result.name for result in results if result.false_accept] == []


def test_what_we_refuse_beyond_the_suite_is_known_and_explained(
    results: list[pkits.Result],
) -> None:
    assert {result.name for result in results if result.stricter} == pkits.STRICTER.keys()


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("pathlenconstraint", "path_length"), ("policy_mapping_test10", "policy"),
        ("inhibit_any_policy_test4", "policy"), ("nameconstraints_test", "name_constraints"),
        ("invalid_ca_notafter", "expired"), ("keycertsign_false", "not_a_ca"),
        ("revoked_ee", "status_revoked"), ("missing_crl", "status_unknown"),
        ("deltacrl_test3", "status_revoked"), ("critical_certificate_ext", "critical_extension"),
    ],
)  # fmt: skip
def test_refusals_name_the_rule_that_the_case_is_about(
    results: list[pkits.Result], part: str, code: str
) -> None:
    found = [r for r in results if part in r.name and not r.expected]
    assert found
    assert {result.reason.partition(":")[0] for result in found} == {code}


def test_the_program_closes_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert pkits.main() == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "PKITS: 243 agree, 3 stricter of 246, 0 false accepts"
