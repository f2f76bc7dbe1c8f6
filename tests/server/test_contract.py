"""The interface answers as openapi.yaml says, whatever it is asked, and never with a fault.

Requests are made from the description by schemathesis, a bounded number for each operation.
"""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error

from server import openapi
from tests.server.test_applications import As, bearer  # noqa: F401 - a fixture

EXAMPLES = 4


@schemathesis.serializer("application/ocsp-request", "application/timestamp-query")
def as_bytes(_context: object, value: object) -> bytes:
    """What is DER in truth: text as its bytes, which is garbage to the parser behind it."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


schema = schemathesis.openapi.from_dict(openapi.describe())


@pytest.fixture(scope="module")
def headers(bearer: As) -> Callable[[int], dict[str, str]]:  # noqa: F811
    """Every second request comes from an approver, the others from nobody."""
    somebody = bearer("market.approver")
    return lambda number: somebody if number % 2 else {}


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck), derandomize=True,
)  # fmt: skip
def test_no_request_meets_a_fault(
    case: schemathesis.Case[Any], address: str, headers: Callable[[int], dict[str, str]]
) -> None:
    sent = headers(len(str(case.body)) + len(str(case.query)))
    case.call_and_validate(base_url=address, headers=sent, checks=[not_a_server_error])
