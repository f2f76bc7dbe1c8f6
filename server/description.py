"""The interface's description: what FastAPI says, put into two languages and completed."""

from typing import Any

from fastapi import FastAPI

from server.problems import MEDIA_TYPE, TITLES, ProblemOut

TITLE = "电子证照信任平台 / Trust platform for e-licences"
DESCRIPTION = """核验电子证照，并提供独立核验所需的信任列表、证书、吊销列表、状态列表与日志证明。

Verify e-licences, and fetch all that others need to verify them on their own: trust list,
certificates, CRLs, status lists and log proofs. Every refusal is a problem document (RFC 9457)
with a stable code.
"""
VERSION = "1"
#: Refusals of these are in the form of RFC 6749, 5.2; a bad token's is a problem document all the
#: same, and a person at a browser sees a page.
OAUTH = ("/oauth2/", "/sign-in/upstream/")
OAUTH_REFUSAL: dict[str, Any] = {
    "title": "OAuthRefusal", "type": "object", "required": ["error"],
    "description": "RFC 6749，第 5.2 节 / RFC 6749, section 5.2",
    "properties": {"error": {"type": "string"}, "error_description": {"type": "string"}},
}  # fmt: skip
_SCOPES = {"trust": "办理业务 / To work here as the account or platform that the token is for"}
SECURITY: dict[str, Any] = {
    "type": "oauth2",
    "flows": {
        "authorizationCode": {
            "authorizationUrl": "/oauth2/authorize", "tokenUrl": "/oauth2/token",
            "scopes": _SCOPES,
        },
        "clientCredentials": {"tokenUrl": "/oauth2/token", "scopes": _SCOPES},
    },
}  # fmt: skip
#: Which statuses the default response of an operation stands for.
_REFUSALS = ", ".join(str(status) for status in TITLES if status != 500)


def complete(app: FastAPI) -> None:
    """Finish the document that the application will give out; after all routers are in."""
    document = app.openapi()
    schemas = document["components"]["schemas"]
    schemas["Problem"], schemas["OAuthRefusal"] = ProblemOut.model_json_schema(), OAUTH_REFUSAL
    document["components"]["securitySchemes"] = {"oauth": SECURITY}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            operation["responses"] = _ordered(operation["responses"])
            operation["responses"]["default"] = _refusal(path)


def _refusal(path: str) -> dict[str, Any]:
    """What every operation may answer besides its own."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if path.startswith(OAUTH):
        oauth = {"schema": {"$ref": "#/components/schemas/OAuthRefusal"}}
        content = {
            "application/json": oauth,
            "text/html": {"schema": {"type": "string"}},
            **content,
        }
    return {"description": f"拒绝：{_REFUSALS} 之一 / A refusal: one of these", "content": content}


def _ordered(responses: dict[str, Any]) -> dict[str, Any]:
    for response in responses.values():
        if response["description"] == "Successful Response":
            response["description"] = "成功 / Success"
    return dict(sorted(responses.items()))
