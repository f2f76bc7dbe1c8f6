"""The interface answers as openapi.yaml says, whatever it is asked and whoever asks.

Requests are made from the description by schemathesis, a bounded number for each operation, in turn
by nobody and by people of several roles. Of each answer is judged:

* it is no 500;
* a success or redirection has a status that the operation names, and a body of its media type and
  schema;
* any other status is a refusal, which every operation documents as `default`: one of the statuses
  that are listed there, and a body of the media type and schema that is described for it.
"""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from jsonschema_rs import Draft202012Validator

from server import openapi, problems
from tests.server.conftest import Served
from tests.server.desk import open_desk
from tests.server.test_applications import As, bearer  # noqa: F401 - a fixture

EXAMPLES = 2
ROLES = (
    "", "market.clerk", "market.approver", "desk.system", "desk.guard", "market.seal", "desk.audit",
)  # fmt: skip


@schemathesis.serializer(
    "application/ocsp-request", "application/timestamp-query", "application/jose",
    "application/jsonl", "application/x-ndjson", "application/vnd.apache.parquet",
)  # fmt: skip
def as_bytes(_context: object, value: object) -> bytes:
    """What is DER, lines or columns in truth: text as its bytes, garbage to the parser behind."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


described = openapi.describe()
schema = schemathesis.openapi.from_dict(described)


@pytest.fixture(scope="module")
def somebody(served: Served, bearer: As) -> Callable[[], dict[str, str]]:  # noqa: F811
    """The next caller's header: nobody's, then a clerk's, an approver's and so on."""
    open_desk(served.app, served.region)
    headers = [bearer(name) if name else {} for name in ROLES]
    turn = itertools.cycle(headers)
    return lambda: next(turn)


def judge(answer: Any, case: "schemathesis.Case[Any]") -> None:
    """Fails unless the answer is one that the operation describes."""
    operation = described["paths"][case.path].get(case.method.lower())
    if operation is None:
        # No such method: 405, or the preflight of a browser's application; or the path is that of
        # another operation as well (`/v1/people/searches` is a `/v1/people/{name}`), which has
        # examples of its own.
        assert answer.status_code in {204, *problems.TITLES}, case.method
        return
    documented, status = operation["responses"], str(answer.status_code)
    where = f"{case.method} {case.path} {status}"
    refused = answer.status_code >= 400 and status not in documented
    assert refused or status in documented, where
    response = documented["default" if refused else status]
    if refused:
        assert answer.status_code in problems.TITLES, where
    content = response.get("content", {})
    media = "".join(answer.headers.get("content-type", [])).partition(";")[0]
    if not answer.content or not content:
        return
    assert media in content, (where, media)
    if media.endswith("json") and content[media].get("schema"):
        whole = content[media]["schema"] | {"components": described["components"]}
        Draft202012Validator(whole).validate(json.loads(answer.content))


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck), derandomize=True,
)  # fmt: skip
def test_every_answer_is_one_that_is_described(
    case: "schemathesis.Case[Any]", address: str, somebody: Callable[[], dict[str, str]]
) -> None:
    answer = case.call(base_url=address, headers=somebody(), allow_redirects=False)
    assert answer.status_code != 500, f"{case.method} {case.path}"
    judge(answer, case)
