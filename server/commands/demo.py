"""`trust demo`: the main job from nothing, told as it goes; 0 only if all of it went right."""

import argparse
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pypdfium2
from pydantic import SecretStr

from certificates import catalogue, evidence, publish, qr_drawing
from certificates.models import Licence
from certificates.verify import verify_file
from certificates.verify_claim import Verification, verify_claim
from seal.pdf import document
from seal.pdf.objects import Name
from seal.pdf.update import Update
from server import demo_people, provision
from server.commands import text
from server.commands.issue import issue_one, read_data
from server.exits import CannotWrite
from server.platform import Platform
from server.provision import AuthorityPlan, RegionPlan
from trust import anchors
from trust.access import Role
from trust.clock import utc_now
from trust.errors import Conflict
from trust.report import Outcome
from trust.settings import DEMO_PASSPHRASE, Settings

REGION = RegionPlan("542500", "阿里地区")
EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def _people(prefix: str) -> tuple[tuple[str, str, Role], ...]:
    return (
        (f"{prefix}.clerk", "受理员", Role.CLERK),
        (f"{prefix}.approver", "审批员", Role.APPROVER),
        (f"{prefix}.seal", "印章管理员", Role.SEAL_ADMIN),
    )


AUTHORITIES = (
    AuthorityPlan(
        "11542500999000056Q", "阿里地区市场监督管理局", "542500",
        ("11100000MB0143028R001", "11542500999000056Q001"),
        "阿里地区市场监督管理局电子证照专用章", "电子证照专用章", _people("market"),
    ),
    AuthorityPlan(
        "11542500999000072E", "阿里地区交通运输局", "542500", ("11100000000019713D008",),
        "阿里地区交通运输局电子证照专用章", "电子证照专用章", _people("transport"),
    ),
)  # fmt: skip
TYPES = ("business-licence", "food-business-licence", "road-transport-licence")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("demo", help="演示主要流程 / run the main job")
    parser.set_defaults(run=run)


@dataclass
class _Account:
    """The story so far; `wrong` counts what did not go as it should."""

    say: Callable[[str], None] = print
    wrong: list[str] = field(default_factory=list)

    def expect(self, what: str, found: Verification, wanted: Outcome) -> None:
        zh, en = text.WORDS[found.outcome]
        self.say(f"    {text.MARKS[found.outcome]} {what}: {zh} {en}")
        if found.outcome is not wanted:
            self.wrong.append(what)
            self.say(text.report(found))


def run(_arguments: argparse.Namespace, platform: Platform) -> int:
    told = _Account()
    home = platform.settings.home
    _begin_anew(home)
    platform = Platform(_demo_settings(platform.settings))
    told.say(f"① 建立地区 region {REGION.code} {REGION.name} in {home}")
    provision.create_region(platform, REGION, clock=utc_now)
    for plan in AUTHORITIES:
        provision.create_authority(platform, plan, at=utc_now())
        told.say(f"   {plan.name} {plan.code}: {', '.join(name for name, _, _ in plan.people)}")
    people = demo_people.make(platform, authority=AUTHORITIES[0].code, at=utc_now())
    told.say("   " + ", ".join(each["username"] for each in people["accounts"]))
    licences = _issue_all(platform, told)
    _publish(platform, home, told)
    _verify_all(platform, home, licences, told)
    _show_tampering(platform, home, told)
    _check_audit(platform, told)
    if told.wrong:
        told.say(f"✗ 未达预期 went wrong: {', '.join(told.wrong)}")
        return 1
    told.say("✓ 全部符合预期 all went right")
    return 0


def _begin_anew(home: Path) -> None:
    """An earlier demonstration is removed; anything else is left alone."""
    if home.exists() and any(home.iterdir()):
        if not (home / DEMO_PASSPHRASE).exists():
            raise Conflict(f"{home} is not empty and no demonstration")
        shutil.rmtree(home)
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(home / DEMO_PASSPHRASE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CannotWrite(f"{home} cannot be written: {error.strerror}") from error
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_urlsafe(24) + "\n")


def _demo_settings(settings: Settings) -> Settings:
    passphrase = (settings.home / DEMO_PASSPHRASE).read_text(encoding="ascii").strip()
    return settings.model_copy(
        update={"key_passphrase": SecretStr(passphrase), "development": True, "database_url": ""}
    )


def _issue_all(platform: Platform, told: _Account) -> list[Licence]:
    home, found = platform.settings.home, []
    told.say("② 签发 issue: render, SM2 seal, RSA seal, store")
    for number, slug in enumerate(TYPES, 1):
        data = read_data(EXAMPLES / f"{slug}.json")
        licence = issue_one(platform, slug, data, actor=None, at=utc_now())
        path = home / f"licence-{number}.pdf"
        pdf = platform.store.get(licence.identifier)
        path.write_bytes(pdf)
        (home / f"licence-{number}.qr.txt").write_text(licence.claim + "\n", encoding="ascii")
        qr_drawing.picture(licence.claim).save(home / f"licence-{number}.qr.png")
        picture = home / f"licence-{number}.png"
        _picture(pdf, picture)
        told.say(f"   {catalogue.find(slug).name} {licence.number}  {path}  {picture}")
        found.append(licence)
    return found


def _picture(pdf: bytes, path: Path) -> None:
    page = pypdfium2.PdfDocument(pdf)
    page.init_forms()
    page[0].render(scale=1.5, may_draw_forms=True).to_pil().save(path)
    page.close()


def _publish(platform: Platform, home: Path, told: _Account) -> None:
    provision.sign_checkpoints(platform, at=utc_now())
    files = publish.export_anchors(
        platform.reading, home / "anchors", keys=platform.keys, at=utc_now(),
        lifetime=platform.settings.status_lifetime,
    )  # fmt: skip
    shutil.copyfile(home / "anchors" / "trust-list.json", home / "trust-list.json")
    told.say(
        f"③ 公布 publish: {len(files)} files in {home / 'anchors'}, {home / 'trust-list.json'}"
    )


def _verify_all(platform: Platform, home: Path, licences: list[Licence], told: _Account) -> None:
    known = anchors.load(home / "anchors")
    away = evidence.offline(known, evidence.store_of(known))
    told.say("④ 核验 verify: by the registry, and offline by the anchors alone")
    for number, licence in enumerate(licences, 1):
        pdf = (home / f"licence-{number}.pdf").read_bytes()
        at = utc_now()
        name = f"licence-{number}"
        told.expect(f"{name} 文件 file, 在线 online",
                    verify_file(pdf, platform.knowledge, at=at), Outcome.PASSED)  # fmt: skip
        told.expect(
            f"{name} 文件 file, 离线 offline", verify_file(pdf, away, at=at), Outcome.PASSED
        )
        found = verify_claim(licence.claim, platform.knowledge, at=at)
        told.expect(f"{name} 二维码 QR, 在线 online", found, Outcome.PASSED)
        told.expect(f"{name} 二维码 QR, 离线 offline",
                    verify_claim(licence.claim, away, at=at), Outcome.PASSED)  # fmt: skip


def _show_tampering(platform: Platform, home: Path, told: _Account) -> None:
    told.say("⑤ 篡改 tampering is noticed")
    pdf = (home / "licence-1.pdf").read_bytes()
    changed = bytearray(pdf)
    changed[len(pdf) // 3] ^= 1
    path = home / "licence-1-tampered.pdf"
    path.write_bytes(_overwritten(pdf))
    found = verify_file(bytes(changed), platform.knowledge, at=utc_now())
    told.expect("改一个字节 one byte changed", found, Outcome.FAILED)
    found = verify_file(path.read_bytes(), platform.knowledge, at=utc_now())
    told.expect(f"追加修改 a change appended ({path})", found, Outcome.FAILED)
    if found.changed_after_sealing is not True:
        told.wrong.append("changed_after_sealing")


def _overwritten(pdf: bytes) -> bytes:
    """The page with its content replaced by an appended revision, as a forger would do it."""
    whole = document.read(pdf)
    update = Update(whole)
    page = whole.pages()[0]
    dictionary = whole.dictionary(page, "a page")
    update.put(page, {**dictionary, "Contents": [], "Type": Name("Page")})
    return pdf + update.write()


def _check_audit(platform: Platform, told: _Account) -> None:
    found = provision.verify_audit(platform)
    told.say(f"⑥ 审计 audit: {found.entries} entries, {len(found.faults)} faults")
    if found.faults:
        told.wrong.append("audit")
