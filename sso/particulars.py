"""What is personal of an account: sealed at rest, found by keyed hashes, every read audited.

`open_particulars` is for the acts of the person whose they are (checking a proof, sending a
message); whoever shows them to somebody uses `read`, which tells the audit log for what purpose.
"""

import json
import re
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from sso.models import Account
from trust import identifiers
from trust.access import Caller
from trust.audit_queue import AuditQueue
from trust.clock import CHINA
from trust.errors import Invalid, NotFound
from trust.vault import Vault

#: Kinds of document (GB/T 36903-2018, annex A): the two with check characters, and the others.
USCC: Final = "001"
CITIZEN_ID: Final = "111"
PERSON_DOCUMENTS: Final = (
    CITIZEN_ID, "114", "115", "118", "119", "120", "122",
    "411", "412", "413", "414", "511", "516", "999",
)  # fmt: skip
ORGANISATION_DOCUMENTS: Final = (USCC, "099")

NAME_MAX: Final = 100
ADDRESS_MAX: Final = 200
EMAIL_MAX: Final = 254
PURPOSE_MAX: Final = 200

#: GB/T 37043 numbers of mainland China, or E.164 with its plus.
_MOBILE: Final = re.compile(r"1[3-9][0-9]{9}|\+(?!86)[1-9][0-9]{6,14}")
_EMAIL: Final = re.compile(
    r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])"
)
_NUMBER: Final = re.compile(r"[A-Z0-9]{4,32}")


class NoParticulars(NotFound):
    """The account is a title without a person's data, or one that was closed."""

    code = "no_particulars"


class InvalidParticulars(Invalid):
    """One item breaks a rule; `item` says which, the message never holds its value."""

    code = "invalid_particulars"

    def __init__(self, item: str, rule: str) -> None:
        super().__init__(f"{item}: {rule}")
        self.item = item


@dataclass(frozen=True, slots=True)
class Particulars:
    """A person, or a body and its legal representative. What is empty is not known.

    `key_type` is a code of GB/T 36903-2018, annex A, and `key_number` of that document;
    `birthdate` is YYYY-MM-DD, `gender` male or female (both follow from a citizen ID); `mobile` is
    11 digits or E.164. Its repr shows nothing.
    """

    name: str = field(repr=False)
    key_type: str
    key_number: str = field(repr=False)
    mobile: str = field(default="", repr=False)
    email: str = field(default="", repr=False)
    birthdate: str = field(default="", repr=False)
    gender: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    representative_name: str = field(default="", repr=False)
    representative_number: str = field(default="", repr=False)


def checked(particulars: Particulars, *, at: datetime) -> Particulars:
    """The same in the one accepted form, birth date and gender of a citizen ID filled in.

    InvalidParticulars, or InvalidIdentifier for a number that breaks its standard.
    """
    number = particulars.key_number.strip().upper()
    key_type = particulars.key_type
    birthdate, gender = _birthdate(particulars.birthdate, at), particulars.gender
    if key_type == CITIZEN_ID:
        identifiers.check_citizen_id(number, today=at.astimezone(CHINA).date())
        birthdate, gender = _of_citizen_id(number)
    elif key_type == USCC:
        identifiers.check_uscc(number)
    elif key_type not in (*PERSON_DOCUMENTS, *ORGANISATION_DOCUMENTS):
        raise InvalidParticulars("key_type", "not a document code of GB/T 36903, annex A")
    elif not _NUMBER.fullmatch(number):
        raise InvalidParticulars("key_number", "4 to 32 ASCII letters and digits")
    if gender not in ("", "male", "female"):
        raise InvalidParticulars("gender", "male or female")
    return replace(
        particulars, key_number=number, birthdate=birthdate, gender=gender,
        name=text("name", particulars.name, NAME_MAX),
        mobile=mobile(particulars.mobile) if particulars.mobile else "",
        email=email(particulars.email) if particulars.email else "",
        address=text("address", particulars.address, ADDRESS_MAX) if particulars.address else "",
        representative_name=_representative_name(particulars.representative_name),
        representative_number=_representative_number(particulars.representative_number),
    )  # fmt: skip


def checked_person(given: Particulars, *, at: datetime) -> Particulars:
    """As `checked`, and refused unless the document is a natural person's."""
    if given.key_type not in PERSON_DOCUMENTS:
        raise InvalidParticulars("key_type", "a person is known by a person's document")
    return checked(given, at=at)


def text(item: str, value: str, longest: int) -> str:
    """Printable text in one Unicode form (NFC), without white space at its ends."""
    if len(value) > longest:
        raise InvalidParticulars(item, f"at most {longest} characters")
    normal = unicodedata.normalize("NFC", value).strip()
    if not normal or not normal.isprintable():
        raise InvalidParticulars(item, "printable characters, and at least one")
    return normal


def mobile(value: str) -> str:
    """A mobile number in the one form it is found by; InvalidParticulars otherwise."""
    number = re.sub(r"[ -]", "", value[:40]).removeprefix("+86")
    if not _MOBILE.fullmatch(number):
        raise InvalidParticulars("mobile", "11 digits, or + and the country's code")
    return number


def email(value: str) -> str:
    """An e-mail address in lower case; InvalidParticulars otherwise."""
    address = value.strip().lower()
    if len(address) > EMAIL_MAX or not _EMAIL.fullmatch(address):
        raise InvalidParticulars("email", "an address like name@example.cn")
    return address


def _representative_name(value: str) -> str:
    return text("representative_name", value, NAME_MAX) if value else ""


def _representative_number(value: str) -> str:
    number = value.strip().upper()
    if number and not _NUMBER.fullmatch(number):
        raise InvalidParticulars("representative_number", "4 to 32 ASCII letters and digits")
    return number


def _birthdate(value: str, at: datetime) -> str:
    if not value:
        return ""
    try:
        day = date.fromisoformat(value[:10])
    except ValueError:
        raise InvalidParticulars("birthdate", "a day written YYYY-MM-DD") from None
    if day.isoformat() != value or not date(1800, 1, 1) <= day <= at.astimezone(CHINA).date():
        raise InvalidParticulars("birthdate", "a day written YYYY-MM-DD, not in the future")
    return value


def _of_citizen_id(number: str) -> tuple[str, str]:
    """Birth date and gender (GB 11643-1999, 4.2.2 and 4.2.3)."""
    birthdate = f"{number[6:10]}-{number[10:12]}-{number[12:14]}"
    return birthdate, "male" if int(number[16]) % 2 else "female"


def seal(vault: Vault, account_name: str, particulars: Particulars) -> bytes:
    """The box that goes into the account's row and opens in no other."""
    plain = json.dumps(asdict(particulars), ensure_ascii=False, separators=(",", ":"))
    return vault.seal(plain.encode(), context=_context(account_name))


def open_particulars(vault: Vault, account: Account) -> Particulars:
    """The particulars of an account, unaudited; NoParticulars, or DecryptionFailed for a box that
    was changed or is another row's."""
    if account.particulars is None:
        raise NoParticulars(f"account {account.name} has no particulars")
    plain = vault.unseal(account.particulars, context=_context(account.name))
    return Particulars(**json.loads(plain))


def _context(account_name: str) -> str:
    return f"account.particulars:{account_name}"


def read(
    session: Session, vault: Vault, audit_queue: AuditQueue, account: Account | str, *,
    purpose: str, by: Caller, at: datetime,
) -> Particulars:  # fmt: skip
    """Particulars to be shown to somebody, for a purpose that the audit log keeps.

    `purpose` is 1 to 200 printable characters without personal data. ActNotRecorded when the log
    cannot take the act: then nothing may be shown.
    """
    found = session.get(Account, account) if isinstance(account, str) else account
    if found is None:
        raise NotFound("no such account")
    if not (0 < len(purpose) <= PURPOSE_MAX and purpose.isprintable()):
        raise Invalid(f"a purpose is 1 to {PURPOSE_MAX} printable characters")
    opened = open_particulars(vault, found)
    details = {"purpose": purpose}
    audit_queue.record("particulars.read", subject=found.name, by=by, at=at, details=details)
    return opened


def key_index(vault: Vault, key_type: str, number: str) -> bytes:
    """By what an account is found from its document's number; the number is not checked."""
    return vault.index(f"{key_type}:{number.strip().upper()}", column="account.key")


def mobile_index(vault: Vault, number: str) -> bytes:
    """By what an account is found from `mobile(number)`."""
    return vault.index(number, column="account.mobile")


def email_index(vault: Vault, address: str) -> bytes:
    """By what an account is found from `email(address)`."""
    return vault.index(address, column="account.email")
