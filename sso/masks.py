"""What may be shown of a person to somebody who has no purpose to read more."""


def mask_name(name: str) -> str:
    """The first character and a `*` for each other one: 张三丰 becomes 张**."""
    return name[:1] + "*" * max(len(name) - 1, 1)


def mask_number(number: str) -> str:
    """The first and the last character of a person's document number, and its length."""
    return _veiled(number, first=1, last=1)


def mask_code(number: str) -> str:
    """The first four and the last two characters of an organisation's code, and its length."""
    return _veiled(number, first=4, last=2)


def mask_mobile(mobile: str) -> str:
    """138****0001; a foreign number keeps its first and last digits alike."""
    return f"{mobile[:3]}****{mobile[-4:]}" if len(mobile) >= 11 else _veiled(mobile, last=2)


def mask_email(email: str) -> str:
    """The first character and the domain: z***@example.cn."""
    local, at, domain = email.partition("@")
    return f"{local[:1]}***{at}{domain}"


def _veiled(text: str, *, first: int = 0, last: int = 0) -> str:
    """At least half of the text stays hidden, whatever is asked to be shown."""
    if (first + last) * 2 > len(text):
        return "*" * len(text)
    return text[:first] + "*" * (len(text) - first - last) + text[len(text) - last :]
