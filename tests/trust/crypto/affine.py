"""SM2 by the book, in integers and affine points: slow, short, and independent of every engine."""

from dataclasses import dataclass
from typing import Any

from trust.crypto.hashes import sm3

Point = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Curve:
    p: int
    a: int
    b: int
    n: int
    g: tuple[int, int]

    @classmethod
    def of(cls, case: dict[str, Any]) -> "Curve":
        p, a, b, n, gx, gy = (int(case[name], 16) for name in ("p", "a", "b", "n", "gx", "gy"))
        return cls(p, a, b, n, (gx, gy))

    def add(self, one: Point, other: Point) -> Point:
        if one is None or other is None:
            return one or other
        (x1, y1), (x2, y2) = one, other
        if x1 == x2 and (y1 + y2) % self.p == 0:
            return None
        if one == other:
            slope = (3 * x1 * x1 + self.a) * pow(2 * y1, -1, self.p)
        else:
            slope = (y2 - y1) * pow(x2 - x1, -1, self.p)
        x3 = (slope * slope - x1 - x2) % self.p
        return x3, (slope * (x1 - x3) - y1) % self.p

    def times(self, number: int, point: Point) -> Point:
        total: Point = None
        for bit in bin(number)[2:]:
            total = self.add(total, total)
            if bit == "1":
                total = self.add(total, point)
        return total

    def known_times(self, number: int, point: Point) -> tuple[int, int]:
        product = self.times(number, point)
        assert product is not None
        return product

    def za(self, user_id: bytes, public_key: tuple[int, int]) -> bytes:
        numbers = (self.a, self.b, *self.g, *public_key)
        fixed = b"".join(number.to_bytes(32, "big") for number in numbers)
        return sm3((8 * len(user_id)).to_bytes(2, "big") + user_id + fixed)

    def sign(self, d: int, e: int, k: int) -> tuple[int, int]:
        r = (e + self.known_times(k, self.g)[0]) % self.n
        return r, pow(1 + d, -1, self.n) * (k - r * d) % self.n

    def verifies(self, public_key: tuple[int, int], e: int, r: int, s: int) -> bool:
        total = self.add(self.times(s, self.g), self.times((r + s) % self.n, public_key))
        return total is not None and (e + total[0]) % self.n == r

    def encrypt(
        self, public_key: tuple[int, int], message: bytes, k: int
    ) -> tuple[tuple[int, int], bytes, bytes]:
        """Return C1, C3, C2."""
        x2, y2 = (c.to_bytes(32, "big") for c in self.known_times(k, public_key))
        stream = b"".join(
            sm3(x2 + y2 + count.to_bytes(4, "big")) for count in range(1, len(message) // 32 + 2)
        )
        text = bytes(one ^ other for one, other in zip(message, stream, strict=False))
        return self.known_times(k, self.g), sm3(x2 + message + y2), text
