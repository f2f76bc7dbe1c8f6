"""`trust region evidence`: what was asked of another region, or by one, and what was answered."""

import argparse
import base64
import json
from datetime import datetime
from typing import Any

from certificates import evidence
from certificates.regions import exchange_messages, exchange_records
from certificates.regions.exchange_messages import digest_of
from certificates.regions.exchange_records import Kept
from server.platform import Platform
from trust import timestamps
from trust.clock import utc_now
from trust.crypto.errors import InvalidSignature, Malformed, UnknownAlgorithm
from trust.crypto.jose import Jws
from trust.report import Check, Outcome, failed, passed, printable


def add(inner: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = inner.add_parser("evidence", help="问答取证 / prove what was asked and answered")
    parser.add_argument("id", metavar="ID", help="the question's id, as the answer names it")
    parser.add_argument("--json", action="store_true", help="the messages themselves, too")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, platform: Platform) -> int:
    """Print the records of a question and verify them again; 0 when all holds, 1 otherwise."""
    with platform.reading() as session:
        records = exchange_records.find(session, platform.vault, arguments.id)
    told = [(record, judge(platform, record)) for record in records]
    if arguments.json:
        print(json.dumps([_as_json(*each) for each in told], ensure_ascii=False, indent=2))
    else:
        for record, checks in told:
            _show(record, checks)
    good = all(c.outcome is Outcome.PASSED for _, checks in told for c in checks)
    return 0 if good else 1


def judge(platform: Platform, record: Kept) -> list[Check]:
    """`question`, and of one that has its answer `answer`, `bound` and `stamp`."""
    question, jws = exchange_messages.read_question(record.question)
    checks = [_signed("question", platform, jws, question.asker, at=question.asked_at)]
    if not record.answer:
        return checks
    answer, jws = exchange_messages.read_answer(record.answer)
    checks.append(_signed("answer", platform, jws, answer.answerer, at=answer.answered_at))
    bound = answer.question == digest_of(record.question) and answer.id == question.id
    checks.append(
        passed("bound", "exchange_bound") if bound else failed("bound", "exchange_not_bound")
    )
    return [*checks, _stamped(record)]


def _signed(
    name: str, platform: Platform, jws: Jws, region: str, *, at: datetime
) -> Check:  # fmt: skip
    """By the region's exchange signer, whose certificate was good when it signed."""
    store = platform.knowledge.about(region).store
    try:
        owner = evidence.check_signer(jws, store, purpose="exchange-signer", at=at, now=utc_now())
    except (Malformed, InvalidSignature, UnknownAlgorithm) as error:
        return failed(name, "exchange_not_signed", str(error))
    if owner != region:
        return failed(name, "exchange_not_signed", owner)
    return passed(name, "exchange_signed", region)


def _stamped(record: Kept) -> Check:
    stamped = exchange_records.stamped_bytes(record.question, record.answer)
    try:
        found = timestamps.verify_message(record.stamp, stamped)
    except (Malformed, InvalidSignature, UnknownAlgorithm) as error:
        return failed("stamp", "time_stamp_invalid", str(error))
    return passed("stamp", "time_stamped", f"{found.info.at:%Y-%m-%dT%H:%M:%SZ}")


def _show(record: Kept, checks: list[Check]) -> None:
    print(f"{record.direction} {record.peer} {record.kind} {record.at:%Y-%m-%dT%H:%M:%SZ} "
          f"{printable(record.account)}: {record.outcome or 'no answer'}")  # fmt: skip
    question, _ = exchange_messages.read_question(record.question)
    print(f"  用途 purpose: {printable(question.purpose)}")
    if record.answer:
        answer, _ = exchange_messages.read_answer(record.answer)
        for each in answer.licences:
            print(f"  {each.identifier} {each.state} ({each.state_at:%Y-%m-%dT%H:%M:%SZ})")
    for check in checks:
        mark = "✓" if check.outcome is Outcome.PASSED else "✗"
        reason = check.reason()
        print(f"  {mark} {check.name}: {reason['zh']} {reason['en']}")


def _as_json(record: Kept, checks: list[Check]) -> dict[str, Any]:
    return {
        "direction": str(record.direction), "peer": record.peer, "id": record.question_id,
        "kind": record.kind, "at": record.at.isoformat(), "account": record.account,
        "outcome": record.outcome, "question": record.question, "answer": record.answer,
        "stamp": base64.b64encode(record.stamp).decode(),
        "checks": [check.as_json() for check in checks],
    }  # fmt: skip
