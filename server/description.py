"""The interface's description: what FastAPI says, put into two languages and completed."""

from typing import Any

from fastapi import FastAPI

from server.problems import ProblemOut

TITLE = "电子证照信任平台 / Trust platform for e-licences"
DESCRIPTION = """核验电子证照，并提供独立核验所需的信任列表、证书、吊销列表、状态列表与日志证明。

Verify e-licences, and fetch all that others need to verify them on their own: trust list,
certificates, CRLs, status lists and log proofs. Every refusal is a problem document (RFC 9457)
with a stable code.
"""
VERSION = "1"


def complete(app: FastAPI) -> None:
    """Finish the document that the application will give out; after all routers are in."""
    document = app.openapi()
    document["components"]["schemas"]["Problem"] = ProblemOut.model_json_schema()
    for methods in document["paths"].values():
        for operation in methods.values():
            operation["responses"] = _ordered(operation["responses"])


def _ordered(responses: dict[str, Any]) -> dict[str, Any]:
    for response in responses.values():
        if response["description"] == "Successful Response":
            response["description"] = "成功 / Success"
    return dict(sorted(responses.items()))
