"""What an inspection of someone's seal, seal signature or sealed document found, for people."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from seal.asn1 import Seal
from trust.crypto import x509
from trust.crypto.errors import Malformed
from trust.report import Check, Outcome, overall

_WORDS = {
    Outcome.PASSED: ("✓", "通过", "PASSED"),
    Outcome.FAILED: ("✗", "不通过", "FAILED"),
    Outcome.INDETERMINATE: ("?", "无法确定", "INDETERMINATE"),
}
KINDS = {
    "seal": "电子印章 seal (SESeal)",
    "stamp": "电子签章 seal signature (SES_Signature)",
    "cms": "CMS 签名 CMS signature",
    "bare": "裸签名值 bare signature value",
    "time_stamp": "时间戳 time-stamp",
    "certificate": "证书 certificate",
    "request": "证书申请 certificate request",
    "ofd": "OFD 文档 OFD document",
    "pdf": "PDF 文档 PDF document",
    "unknown": "无法识别 unknown",
}
_TEXT_MAX = 200
#: Codes that say that something was changed after it was sealed, appended or inside.
ALTERED = frozenset({
    "signature_invalid", "digest_mismatch", "changed", "changed_between", "references_differ",
})  # fmt: skip


def shown(text: str) -> str:
    """Foreign text made safe to print: one line, no control characters, bounded."""
    kept = "".join(c if c.isprintable() else "�" for c in text[: _TEXT_MAX + 1])
    return kept if len(text) <= _TEXT_MAX else kept[:_TEXT_MAX] + "…"


def _when(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


@dataclass(frozen=True, slots=True)
class SealFacts:
    """A seal's own words. `picture_bytes` is the picture's length, width and height are in mm."""

    generation: str
    version: int
    name: str
    es_id: str
    owner: str
    vendor: str
    maker: str
    kind: int
    picture_type: str
    picture_bytes: int
    width_mm: int
    height_mm: int
    created: datetime
    valid_from: datetime
    valid_until: datetime
    oddities: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "generation": self.generation, "version": self.version, "name": self.name,
            "es_id": self.es_id, "owner": self.owner, "vendor": self.vendor, "maker": self.maker,
            "type": self.kind,
            "picture": {
                "type": self.picture_type, "bytes": self.picture_bytes,
                "width_mm": self.width_mm, "height_mm": self.height_mm,
            },
            "created": _when(self.created), "valid_from": _when(self.valid_from),
            "valid_until": _when(self.valid_until), "oddities": list(self.oddities),
        }  # fmt: skip

    def lines(self) -> list[str]:
        size = f"{self.picture_type}, {self.picture_bytes} B, {self.width_mm}×{self.height_mm} mm"
        found = [
            f"印章名称 name: {self.name}", f"印章编码 esID: {self.es_id}",
            f"持有者 owner: {self.owner}", f"制作者 maker: {self.maker}",
            f"标准 standard: {self.generation} (version {self.version}, {self.vendor})",
            f"图形 picture: {size}",
            f"有效期 validity: {_when(self.valid_from)} – {_when(self.valid_until)}",
        ]  # fmt: skip
        return found + [f"异常 oddity: {oddity}" for oddity in self.oddities]


def facts(seal: Seal) -> SealFacts:
    """What a seal says of itself, made fit to print."""
    info = seal.info
    return SealFacts(
        generation=str(seal.generation), version=info.version, name=shown(info.name),
        es_id=shown(info.es_id), owner=subject(info.cert_list[0] if info.cert_list else b""),
        vendor=shown(info.vendor), maker=subject(seal.maker), kind=info.kind,
        picture_type=shown(info.picture_type), picture_bytes=len(info.picture),
        width_mm=info.width, height_mm=info.height, created=info.created,
        valid_from=info.valid_from, valid_until=info.valid_until, oddities=seal.oddities,
    )  # fmt: skip


def subject(certificate: bytes) -> str:
    """The subject of a DER certificate, for people; never fails."""
    try:
        return shown(x509.name_text(x509.parse_certificate(certificate).subject))
    except Malformed:
        return "(no readable certificate)"


@dataclass(frozen=True, slots=True)
class Signed:
    """One signature. `form` is what its value is, `place` its field or path, `at` its own claim."""

    form: str
    place: str
    signer: str
    at: datetime | None
    seal: SealFacts | None
    checks: tuple[Check, ...]
    oddities: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "form": self.form, "place": self.place, "signer": self.signer, "at": _when(self.at),
            "seal": self.seal.as_json() if self.seal else None,
            "outcome": str(overall(self.checks)),
            "checks": [check.as_json() for check in self.checks],
            "oddities": list(self.oddities),
        }  # fmt: skip

    def lines(self) -> list[str]:
        found = [f"签名 signature: {self.place} — {self.form}"]
        found += [f"  签署者 signer: {self.signer}"] if self.signer else []
        found += [f"  声称时间 claimed time: {_when(self.at)}"] if self.at else []
        found += [f"  {line}" for line in self.seal.lines()] if self.seal else []
        found += [f"  异常 oddity: {oddity}" for oddity in self.oddities]
        return found + check_lines(self.checks)


@dataclass(frozen=True, slots=True)
class Inspection:
    """The whole report. `checks` are those of the file itself, before its signatures'."""

    kind: str
    at: datetime
    seal: SealFacts | None
    signatures: tuple[Signed, ...]
    checks: tuple[Check, ...]
    oddities: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        return overall(self.every_check())

    def every_check(self) -> tuple[Check, ...]:
        """The file's own checks, then each signature's."""
        return (*self.checks, *(check for one in self.signatures for check in one.checks))

    @property
    def changed_after_sealing(self) -> bool | None:
        """Whether a change was found; None where there was nothing to compare."""
        if not self.signatures:
            return None
        return any(check.code in ALTERED for check in self.every_check())

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind, "outcome": str(self.outcome), "at": _when(self.at),
            "changed_after_sealing": self.changed_after_sealing,
            "seal": self.seal.as_json() if self.seal else None,
            "checks": [check.as_json() for check in self.checks],
            "oddities": list(self.oddities),
            "signatures": [one.as_json() for one in self.signatures],
        }  # fmt: skip

    def text(self) -> str:
        mark, zh, en = _WORDS[self.outcome]
        lines = [f"{mark} {zh} {en}", *change_lines(self.every_check())]
        lines.append(f"类型 kind: {KINDS[self.kind]}")
        lines += self.seal.lines() if self.seal else []
        lines += [f"异常 oddity: {oddity}" for oddity in self.oddities]
        lines += check_lines(self.checks)
        for one in self.signatures:
            lines += ["", *one.lines()]
        return "\n".join(lines)


def change_lines(checks: Iterable[Check]) -> list[str]:
    """What was changed after sealing, for the head of a report; nothing when nothing was."""
    found = [check for check in checks if check.code in ALTERED]
    lines = ["  ！签章后文件被改动 The file was changed after sealing"] if found else []
    for check in found:
        reason = check.reason()
        lines += [f"    {check.name}: {reason['zh']}", f"        {reason['en']}"]
    return lines


def check_lines(checks: tuple[Check, ...]) -> list[str]:
    """Each leg: its mark and the reason, Chinese first."""
    lines = []
    for check in checks:
        reason = check.reason()
        lines.append(f"  {_WORDS[check.outcome][0]} {check.name}: {reason['zh']}")
        lines.append(f"      {reason['en']} [{check.code}]")
    return lines
