"""What the PDF readers refuse."""

from trust.errors import Invalid


class BadPdf(Invalid):
    """The file breaks a rule that we hold it to; `code` is a report code."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(detail or code)
        self.code, self.detail = code, detail


class NotOurs(BadPdf):
    """A sound PDF perhaps, but not of the plain kind that we write: pyHanko's door."""
