"""What happens between a hub and two regions, step by step: lists, issue, verification by file, by
code and offline, revocation, an outage, a withdrawal. Each claim is checked where it is made.
"""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from certificates import qr_drawing
from server.demo_regions import office
from server.demo_regions.site import Site
from server.demo_regions.story import (
    AUTHORITIES,
    BUSINESS_LICENCE,
    FAILED,
    PASSED,
    UNKNOWN,
    Issued,
    Story,
)
from trust.clock import utc_now

EXAMPLE: Final = (
    Path(__file__).resolve().parent.parent.parent / "examples" / "business-licence.json"
)
PEOPLE: Final = (("clerk", "受理员"), ("approver", "审批员"), ("seal_admin", "印章管理员"))
#: A change of state is seen by every region that can be reached within so many seconds.
SEEN: Final = 10.0
#: Longer than a status list lives (TRUST_STATUS_LIFETIME).
TOMORROW: Final = timedelta(hours=25)


def tell(story: Story) -> None:
    """The whole of it, in order."""
    _set_up(story)
    _exchange_lists(story)
    licence, doomed, late, other = _issue(story)
    bundle = _verify(story, licence, other)
    office.tell(story, licence)
    _revoke(story, doomed, bundle)
    _cut_off(story, licence, doomed, late)
    _withdraw(story, licence)


def _set_up(story: Story) -> None:
    story.say("① 三个地区 three regions: each has its own process, database, keys and host name")
    for site in story.sites:
        story.operate(site, "init", "--region", site.code, "--name", site.title)
    for site in (story.ali, story.dingxi):
        people = [f"{site.name}.{role}:{title}:{role}" for role, title in PEOPLE]
        story.operate(
            site, "authority", "add", "--code", AUTHORITIES[site.name],
            "--name", f"{site.title}市场监督管理局", "--division", site.code,
            "--type", BUSINESS_LICENCE,
            *(word for each in people for word in ("--person", each)),
        )  # fmt: skip
    for site in story.sites:
        site.operate("anchors", site.home / "anchors")
    _serve(story, story.ali, story.dingxi)


def _serve(story: Story, *sites: Site) -> None:
    for site in sites:
        story.say(f"   {site.name}$ trust serve  # {site.title} {site.code}: {site.url}")
        site.start()
    for site in sites:
        site.await_answer()


def _exchange_lists(story: Story) -> None:
    """The signers' certificates go from hand to hand; everything else follows from them."""
    story.say("② 交换信任列表 trust lists: the hub points to both regions, both pin the hub")
    hub = story.hub
    for site in (story.ali, story.dingxi):
        story.operate(hub, "region", "add", site.code, "--name", site.title,
                      "--uri", f"{site.url}/trust-list",
                      "--signer", site.home / "anchors" / "list-signer.pem", "--point")  # fmt: skip
    story.operate(hub, "list", "fetch")
    story.operate(hub, "list", "publish")
    _serve(story, hub)
    for site, other in ((story.ali, story.dingxi), (story.dingxi, story.ali)):
        story.operate(site, "region", "add", hub.code, "--name", hub.title,
                      "--uri", f"{hub.url}/trust-list",
                      "--signer", hub.home / "anchors" / "list-signer.pem")  # fmt: skip
        story.operate(site, "list", "fetch")
        story.operate(site, "region", "policy", other.code, "--say", "full")
        known = json.loads(site.operate("region", "list", "--json").text)
        fresh = {each["region"]: each["freshness"] for each in known}
        story.expect(f"{site.title} 经枢纽得知{other.title} knows it by the hub's list",
                     so=fresh.get(other.code) == "fresh")  # fmt: skip


def _issue(story: Story) -> tuple[Issued, Issued, Issued, Issued]:
    story.say("③ 签发 issue: three licences in one region, one in the other")
    ali, dingxi = story.ali, story.dingxi
    return (
        _issued(story, ali, "licence", "阿里雪域高原农牧科技有限公司", "91542521MA9QTE10XC"),
        _issued(story, ali, "revoked", "阿里狮泉河商贸有限公司", "91542521MA9QTE118C"),
        _issued(story, ali, "late", "阿里冈底斯旅游有限公司", "91542521MA9QTE1267"),
        _issued(story, dingxi, "licence", "定西陇中药材有限公司", "91621102MA8DX0003J"),
    )


def _issued(story: Story, site: Site, name: str, holder: str, code: str) -> Issued:
    data, file = site.home / f"{name}.json", site.home / f"{name}.pdf"
    content = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    content |= {"CZZT": holder, "CZZTDM": code}
    data.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    said = story.operate(
        site, "issue", "--type", BUSINESS_LICENCE, "--data", data, "--out", file, "--json"
    )
    made = json.loads(said.text)
    picture = site.home / f"{name}.qr.png"
    qr_drawing.picture(made["qr"]).save(picture)
    return Issued(made["identifier"], made["number"], file, made["qr"], picture)


def _verify(story: Story, licence: Issued, other: Issued) -> Path:
    """Online by the other region's service, offline by what it gave to somebody on a stick."""
    ali, dingxi = story.ali, story.dingxi
    story.say(f"④ 异地核验 verify in the other region: POST {dingxi.url}/v1/verifications")
    story.report("文件 the file", _shown_to(dingxi, licence.file), PASSED)
    story.report("二维码图片 a picture of its code", _shown_to(dingxi, licence.picture), PASSED)
    story.report("二维码文本 the code's text", _told_to(dingxi, licence), PASSED)
    story.report(f"反之 the other way round, in {ali.title}", _told_to(ali, other), PASSED)
    story.say("   离线 with no network, by a bundle on a stick")
    bundle = story.home / "stick" / "monday.bundle"
    bundle.parent.mkdir()
    story.operate(dingxi, "offline-bundle", "--out", bundle)
    words = ("--offline", "--bundle", bundle)
    story.report("文件 the file", _judged(dingxi, licence.file, *words), PASSED)
    story.report("二维码图片 the code", _judged(dingxi, "--qr", licence.picture, *words), PASSED)
    tampered = story.home / "stick" / "tampered.pdf"
    data = bytearray(licence.file.read_bytes())
    data[len(data) // 3] ^= 1
    tampered.write_bytes(data)
    story.report("改一个字节 one byte changed", _judged(dingxi, tampered, *words), FAILED)
    return bundle


def _revoke(story: Story, doomed: Issued, bundle: Path) -> None:
    dingxi = story.dingxi
    story.say("⑥ 吊销 revoke in one region: who sees it, and when")
    story.report("此前 before", _told_to(dingxi, doomed), PASSED)
    story.operate(story.ali, "revoke", doomed.identifier, "--reason", "依法撤销 by law")
    _seen(story, doomed, "此后 after, in the other region")
    newer = story.home / "stick" / "tuesday.bundle"
    story.operate(dingxi, "offline-bundle", "--out", newer)
    words = ("--qr", doomed.picture, "--offline", "--bundle")
    story.report("新离线包 a newer bundle", _judged(dingxi, *words, newer), FAILED)
    story.report("旧离线包在其有效期内 an older one knows it not, as long as its status list lives",
                 _judged(dingxi, *words, bundle), PASSED)  # fmt: skip
    later = f"{utc_now() + TOMORROW:%Y-%m-%dT%H:%M:%SZ}"
    story.report("有效期过后 and after that life",
                 _judged(dingxi, *words, bundle, "--at", later), UNKNOWN)  # fmt: skip


def _seen(story: Story, licence: Issued, what: str) -> None:
    """The other region says that it is void, within the seconds that are promised."""
    began, found = time.monotonic(), _told_to(story.dingxi, licence)
    while found.get("outcome") != FAILED and time.monotonic() - began < SEEN:
        time.sleep(0.2)
        found = _told_to(story.dingxi, licence)
    story.report(f"{what} ({time.monotonic() - began:.1f} s)", found, FAILED)


def _cut_off(story: Story, licence: Issued, doomed: Issued, late: Issued) -> None:
    ali, dingxi = story.ali, story.dingxi
    story.report("断开前 before it is cut off", _told_to(dingxi, late), PASSED)
    story.say(f"⑦ 断开 {ali.title} is cut off: its service is stopped")
    ali.stop()
    story.operate(ali, "revoke", late.identifier, "--reason", "断开期间 while it is cut off")
    story.report("有效者 a good one, by the last signed status", _told_to(dingxi, licence), PASSED)
    story.report("已吊销者 a revoked one", _told_to(dingxi, doomed), FAILED)
    story.report("断开期间吊销者 one revoked meanwhile, which nobody here can know",
                 _told_to(dingxi, late), PASSED)  # fmt: skip
    later = f"{utc_now() + TOMORROW:%Y-%m-%dT%H:%M:%SZ}"
    story.report("状态过期后 after the life of that status, a good one",
                 _judged(dingxi, "--qr", licence.picture, "--at", later), UNKNOWN)  # fmt: skip
    story.say(f"⑧ 恢复 {ali.title} is back")
    _serve(story, ali)
    _seen(story, late, "断开期间吊销者 what was revoked meanwhile")
    story.report("有效者 a good one", _told_to(dingxi, licence), PASSED)


def _withdraw(story: Story, licence: Issued) -> None:
    """The whole region is no longer recognised, for a compromise, and then is again."""
    dingxi, code = story.dingxi, story.ali.code
    story.say("⑨ 停止互认 recognition withdrawn, told before what falls, and restored")
    why = ("--compromised", "--basis", "演示 a demonstration")
    falls = json.loads(
        story.operate(dingxi, "region", "withdraw", code, *why, "--dry-run", "--json").text
    )
    story.expect("预告 what would fall", so=falls["falling"] >= 1,
                 told=f"{falls['falling']} of {falls['licences']} licences seen here")  # fmt: skip
    story.operate(dingxi, "region", "withdraw", code, *why)
    _settle(story, licence, "停止后 withdrawn", FAILED)
    story.operate(dingxi, "region", "restore", code)
    _settle(story, licence, "恢复后 restored", PASSED)


def _settle(story: Story, licence: Issued, what: str, wanted: str) -> None:
    """A change of the policy reaches the service within a second or two."""
    began, found = time.monotonic(), _told_to(story.dingxi, licence)
    while found.get("outcome") != wanted and time.monotonic() - began < SEEN:
        time.sleep(0.2)
        found = _told_to(story.dingxi, licence)
    story.report(what, found, wanted)


def _shown_to(site: Site, path: Path) -> dict[str, Any]:
    """What the region's service answers to anybody who sends it a file or a picture."""
    return _answer(site, files={"file": (path.name, path.read_bytes())})


def _told_to(site: Site, licence: Issued) -> dict[str, Any]:
    return _answer(site, json={"qr": licence.claim})


def _answer(site: Site, **body: Any) -> dict[str, Any]:
    try:
        found: dict[str, Any] = site.http.post("/v1/verifications", **body).json()
    except (httpx.HTTPError, ValueError) as error:
        return {"outcome": type(error).__name__}
    return found


def _judged(site: Site, *words: object) -> dict[str, Any]:
    """`trust verify`: by the region's operator, or by whoever holds a bundle."""
    said = site.operate("verify", *words, "--json")
    try:
        found: dict[str, Any] = json.loads(said.text)
    except ValueError:
        return {"outcome": said.text[-200:]}
    return found
