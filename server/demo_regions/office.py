"""A step of the story: an office knows a licence's number only, and asks who issued it."""

import base64
import json
from typing import Any, Final

import httpx

from server.demo_regions.site import Site
from server.demo_regions.story import AUTHORITIES, BUSINESS_LICENCE, PASSED, Issued, Story

PURPOSE: Final = "办理企业迁入 a company that moves here"


def tell(story: Story, licence: Issued) -> None:
    """Asked and answered by signed messages, which both regions keep and can show."""
    ali, dingxi = story.ali, story.dingxi
    story.say("⑤ 按编号查询 an office asks by number: signed, time-stamped, kept at both ends")
    token = _token(story, dingxi)
    answer = _ask(dingxi, token, ali.code, licence)
    found = answer.get("licences", [{}])
    story.expect("按编号 by number", so=[each.get("check", {}).get("outcome") for each in found]
                 == [PASSED], told=str(found[0].get("holder", answer)))  # fmt: skip
    for site in (dingxi, ali):
        said = site.operate("region", "evidence", str(answer.get("id", "-")))
        story.expect(f"{site.title} 可举证 can prove what was asked and answered",
                     so=said.code == 0)  # fmt: skip


def _token(story: Story, site: Site) -> str:
    """A business system of the office, as its operator connects it."""
    said = story.operate(
        site, "client", "add", "--name", "用证系统 an office", "--acts-as",
        f"office@{AUTHORITIES[site.name]}", "--grant", "client_credentials", "--json",
    )  # fmt: skip
    made = json.loads(said.text)
    pair = base64.b64encode(f"{made['client_id']}:{made['client_secret']}".encode()).decode()
    answer = _post(site, "/oauth2/token", f"Basic {pair}", data={
        "grant_type": "client_credentials", "scope": "trust",
    })  # fmt: skip
    return str(answer.get("access_token", ""))


def _ask(site: Site, token: str, region: str, licence: Issued) -> dict[str, Any]:
    return _post(site, "/v1/exchange/questions", f"Bearer {token}", json={
        "region": region, "kind": "number", "number": licence.number,
        "type_code": BUSINESS_LICENCE, "purpose": PURPOSE,
    })  # fmt: skip


def _post(site: Site, path: str, authorization: str, **body: Any) -> dict[str, Any]:
    try:
        answer = site.http.post(path, headers={"Authorization": authorization}, **body)
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return {"error": type(error).__name__}
    return found
