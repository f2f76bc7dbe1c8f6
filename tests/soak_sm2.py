"""Sign and verify many SM2 messages, one by one and in batches, and count what goes wrong.

    python -m tests.soak_sm2 [pairs]

A fault of one in a million shows only to those who try a million (GmSSL's issue 941 was one in half
a million). Each pair is signed by one engine and verified by the other; one in 16 is bent, and must
then be refused. Ends with "soak: N pairs, B bad"; exit code 1 if any was.
"""

import secrets
import sys
import time
from collections.abc import Iterator

from trust.crypto import sm2, sm2_batch
from trust.crypto.errors import InvalidSignature

PAIRS = 200_000
#: Signatures per key, enough to fill the lanes and leave a remainder.
PER_KEY = 250

Item = tuple[bytes, bytes, bytes]


def messages(count: int) -> list[bytes]:
    """Random messages, half of them digests, half of any length to 150."""
    sizes = (32 if secrets.randbelow(2) else secrets.randbelow(150) for _ in range(count))
    return [secrets.token_bytes(size) for size in sizes]


def bent(item: Item) -> Item:
    """Change one bit of the message, or of a number in the signature."""
    public_key, message, signature = item
    if message and secrets.randbelow(2):
        at = secrets.randbelow(len(message))
        changed = (
            message[:at] + bytes((message[at] ^ 1 << secrets.randbelow(8),)) + message[at + 1 :]
        )
        return public_key, changed, signature
    at = len(signature) - 1 - secrets.randbelow(30)
    changed = (
        signature[:at] + bytes((signature[at] ^ 1 << secrets.randbelow(8),)) + signature[at + 1 :]
    )
    return public_key, message, changed


def accepted(item: Item) -> bool:
    try:
        sm2.verify(*item)
    except InvalidSignature:
        return False
    return True


def faults_of_one_key(count: int) -> int:
    """Sign half by libcrypto and half in batches, verify all by both; count what went wrong."""
    key = sm2.PrivateKey.generate()
    texts = messages(count)
    half = count // 2
    signatures = [key.sign(text) for text in texts[:half]] + sm2_batch.sign_many(key, texts[half:])
    items = [(key.public_key, *pair) for pair in zip(texts, signatures, strict=True)]
    expected = [secrets.randbelow(16) > 0 for _ in items]
    asked = [item if good else bent(item) for item, good in zip(items, expected, strict=True)]
    answers = zip(expected, sm2_batch.verify_many(asked), map(accepted, asked), strict=True)
    disagreed = sum(1 for good, batch, single in answers if not good == batch == single)
    return disagreed + refused_by_lanes(items)


def refused_by_lanes(items: list[Item]) -> int:
    """Count good signatures the lanes alone refuse; `verify_many` asks again and would hide it."""
    if not sm2_batch.available():
        return 0
    refused = 0
    for group in sm2_batch._of_one_length(range(len(items)), [len(text) for _, text, _ in items]):
        triples = [(items[at][0], items[at][1], sm2.der_to_raw(items[at][2])) for at in group]
        refused += sm2_batch._verify_group(triples, sm2.DEFAULT_ID).count(False)
    return refused


def portions(pairs: int) -> Iterator[int]:
    while pairs > 0:
        yield min(pairs, PER_KEY)
        pairs -= PER_KEY


def main() -> int:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    batch = "with" if sm2_batch.available() else "without"
    print(f"{sm2.engine()}, {batch} the batch engine", flush=True)
    began, done, bad = time.monotonic(), 0, 0
    for count in portions(pairs):
        bad += faults_of_one_key(count)
        done += count
        if done % 20_000 == 0 and done < pairs:
            print(f"{done} pairs, {bad} bad, {time.monotonic() - began:.0f} s", flush=True)
    print(f"soak: {done} pairs, {bad} bad")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
