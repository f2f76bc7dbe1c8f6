"""`/docs`: the interface's description as a page of ours, and `/openapi.json`, its source.

FastAPI's own page loads its script from another host; this one needs no script at all.
"""

import shlex
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse

from server.pages import render

router = APIRouter(include_in_schema=False)

Json = dict[str, Any]
_EXAMPLES = {
    "issuer": "issuing-sm2", "log": "licences", "number": "1", "index": "0", "size": "1",
    "first": "1", "second": "1",
}  # fmt: skip


@router.get("/openapi.json")
def read_description(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi(), headers={"Cache-Control": "public, max-age=3600"})


@router.get("/docs")
def show_docs(request: Request) -> HTMLResponse:
    document = request.app.openapi()
    schemas = document["components"]["schemas"]
    # Not the Host header: what a page tells people to call is not for the caller to choose.
    base = str(request.app.state.base_url)
    return render.page(
        "docs.html", document=document, operations=list(_operations(document, base)),
        schemas=[_schema(name, schema) for name, schema in schemas.items()],
    )  # fmt: skip


def _operations(document: Json, base: str) -> Iterator[Json]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            yield {
                "id": operation["operationId"], "method": method.upper(), "path": path,
                "summary": operation["summary"], "description": operation.get("description", ""),
                "tag": operation.get("tags", [""])[0],
                "parameters": [_parameter(each) for each in operation.get("parameters", [])],
                "bodies": [_content(kind, body) for kind, body in content.items()],
                "responses": [_response(*each) for each in operation["responses"].items()],
                "curls": _curls(base, path, method, operation),
            }  # fmt: skip


def _parameter(parameter: Json) -> Json:
    return {
        "name": parameter["name"], "place": parameter["in"],
        "type": _type(parameter["schema"]), "required": parameter.get("required", False),
        "description": parameter.get("description", ""),
    }  # fmt: skip


def _content(kind: str, body: Json) -> Json:
    schema = body.get("schema", {})
    return {"kind": kind, "type": _type(schema), "fields": _fields(schema)}


def _response(status: str, response: Json) -> Json:
    contents = [_content(kind, body) for kind, body in response.get("content", {}).items()]
    return {"status": status, "description": response["description"], "contents": contents}


def _schema(name: str, schema: Json) -> Json:
    return {
        "name": name, "description": schema.get("description", ""), "fields": _fields(schema),
    }  # fmt: skip


def _fields(schema: Json) -> list[Json]:
    required = schema.get("required", [])
    return [
        {
            "name": name, "type": _type(each), "required": name in required,
            "description": each.get("description", ""), "link": _link(each),
        }
        for name, each in schema.get("properties", {}).items()
    ]  # fmt: skip


def _link(schema: Json) -> str:
    """The name of the schema that this one leads to, if any."""
    for each in (schema, schema.get("items", {}), *schema.get("anyOf", [])):
        if "$ref" in each:
            return str(each["$ref"]).rpartition("/")[2]
    return ""


def _type(schema: Json) -> str:
    """A schema in one word or two: `string`, `integer ≥ 1`, `Check[]`, `Licence | null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(_type(each) for each in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    kind = str(schema.get("type", ""))
    if kind == "array":
        return f"{_type(schema.get('items', {}))}[]"
    if "minimum" in schema:
        kind += f" ≥ {schema['minimum']}"
    return "file" if schema.get("format") == "binary" else kind


def _curls(base: str, path: str, method: str, operation: Json) -> list[str]:
    query = []
    for parameter in operation.get("parameters", []):
        value = _EXAMPLES.get(parameter["name"], "1")
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", value)
        else:
            query.append(f"{parameter['name']}={value}")
    url = shlex.quote(base + path + ("?" + "&".join(query) if query else ""))
    if method == "get":
        return [f"curl {url}"]
    return [
        f"curl -F file=@licence.pdf {url}",
        f"curl -H 'Content-Type: application/json' -d '{{\"qr\": \"…\"}}' {url}",
    ]
