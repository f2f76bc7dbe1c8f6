"""How a certification path ends when it is not good."""

from trust.errors import TrustError


class PathFailed(TrustError):
    """There is a path, and it is not good; `code` says why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class PathUnknown(TrustError):
    """It cannot be told: no path to an anchor is known, or a revocation status is unknown."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
