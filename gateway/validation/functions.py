"""What a rule may ask of a value: small pure functions, callable from XPath as `r:name(…)`.

Each takes what XPath hands over (a node-set, a string, a number) and looks at the first node's
text. Those that return elements go through a whole node-set at once. None knows a document, a
clock or a dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from functools import cache
from typing import Final

from lxml import etree

from gateway.validation.checksums import is_enp, is_inn, is_ogrn, is_ogrnip, is_snils

_TIME: Final = re.compile(
    r"([12]\d{3})(?:(\d{2})(?:(\d{2})(?:(\d{2})(\d{2})(\d{2})?(?:([+-])(\d{2})(\d{2}))?)?)?)?"
)
_TELECOM: Final = re.compile(
    r"(tel|fax|sms):[+\d(][\d\s()\-+,;.]{4,}(доб|ext)?[\d\s.]*", re.IGNORECASE
)
_MAIL: Final = re.compile(r"mailto:[^@\s:]+@[^@\s:]+\.[^@\s:]+", re.IGNORECASE)
_LINK: Final = re.compile(r"(https?|ftp|urn|sip|file):\S{3,}", re.IGNORECASE)
_LONGEST: Final = 300
"""Characters of a contact or a name; more is neither, and would keep a pattern busy."""
_NAME: Final = re.compile(r"[^\W\d_]+(?:[\s'’\-.()]+[^\W\d_]+)*[.)]?")
_ICD_10: Final = re.compile(r"[A-Z]\d{2}(\.\d{1,2}[+*]?)?[+*]?")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def text_of(value: object) -> str:
    """Return the string value of what XPath handed over."""
    if isinstance(value, list):
        return text_of(value[0]) if value else ""
    if etree.iselement(value):
        return "".join(str(text) for text in value.itertext())
    return str(value)


def texts_of(value: object) -> list[str]:
    """Return the string value of every node of a node-set."""
    return [text_of(one) for one in value] if isinstance(value, list) else [text_of(value)]


def digits(value: object) -> str:
    """Return the digits alone: «112-233-445 95» and «11223344595» are one number."""
    return "".join(char for char in text_of(value) if char in "0123456789")


def is_filled(value: object) -> bool:
    """Tell whether there is more than blanks (a no-break or zero-width space is one)."""
    return bool(text_of(value).replace("\u200b", "").replace("\ufeff", "").strip())


def is_tidy(value: object) -> bool:
    """Tell whether there is no blank at either end and no control or zero-width character."""
    text = text_of(value)
    return text == text.strip() and not re.search(r"[\x00-\x1f\x7f\u200b\ufeff\u00ad]", text)


@dataclass(frozen=True, slots=True)
class Time:
    """An HL7 TS that exists: its digits as written, and the instant where it has an offset."""

    written: str
    instant: datetime | None


def time_of(value: object) -> Time | None:
    """Return the time, to whatever precision it is given; None when there is no such time."""
    form = _TIME.fullmatch(text_of(value).strip())
    if form is None:
        return None
    year, month, day, hour, minute, second, sign, hours, minutes = form.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    if offset > timedelta(hours=14) or int(minutes or 0) > 59:  # no place on Earth is further
        return None
    try:
        moment = datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0),
            int(second or 0), tzinfo=timezone(-offset if sign == "-" else offset),
        )  # fmt: skip
    except ValueError:
        return None
    written = "".join(part or "" for part in form.groups()[:6])
    return Time(written, moment if sign else None)


def is_time(value: object) -> bool:
    """Tell whether the date, the time and the offset exist: no 30 February, no +29:00."""
    return time_of(value) is not None


def no_times(nodes: object) -> list[etree._Element]:
    """Return the elements whose `value` is no time that exists: one call for all of a document."""
    elements = nodes if isinstance(nodes, list) else []
    return [element for element in elements if time_of(element.get("value", "")) is None]


def in_order(earlier: object, later: object) -> bool:
    """Tell whether the second is no earlier than the first; unreadable times are in order.

    Two instants are compared as such, anything else as it is written down, to the precision that
    both have: people give dates of the place where they are.
    """
    first, second = time_of(earlier), time_of(later)
    if first is None or second is None:
        return True
    if first.instant is not None and second.instant is not None:
        return first.instant <= second.instant
    length = min(len(first.written), len(second.written))
    return first.written[:length] <= second.written[:length]


def age(birth: object, moment: object) -> float:
    """Return the whole years between two dates, not-a-number where one is unreadable."""
    born, then = (_day(one) for one in (birth, moment))
    if born is None or then is None:
        return float("nan")
    return float(then.year - born.year - ((then.month, then.day) < (born.month, born.day)))


def _day(value: object) -> date | None:
    text = text_of(value).strip()[:8]
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def is_telecom(value: object) -> bool:
    """Tell whether an address says more than its scheme: a bare `tel:` reaches nobody."""
    text = text_of(value).strip()
    if len(text) > _LONGEST:
        return False
    return any(form.fullmatch(text) for form in (_TELECOM, _MAIL, _LINK))


def has_telecom(values: object) -> bool:
    """Tell whether any of several contacts reaches somebody."""
    return any(is_telecom([one]) for one in _nodes(values))


def is_name(value: object) -> bool:
    """Tell whether a part of a name is letters, of one alphabet, without digits."""
    text = text_of(value).strip()
    if len(text) > _LONGEST:
        return False
    latin = re.search(r"[A-Za-z]", text) is not None
    cyrillic = re.search(r"[\u0400-\u04ff]", text) is not None
    roman = re.sub(r"\b[IVX]+\b", "", text)  # «Пётр II» is a name
    mixed = latin and cyrillic and re.search(r"[A-Za-z]", roman) is not None
    return _NAME.fullmatch(text) is not None and not mixed


def is_icd_10(value: object) -> bool:
    """Tell whether a code has the form of ICD-10, in Latin letters."""
    return _ICD_10.fullmatch(text_of(value)) is not None


def is_uuid(value: object) -> bool:
    """Tell whether a text is a UUID in its usual form."""
    return _UUID.fullmatch(text_of(value)) is not None


def are_distinct(value: object) -> bool:
    """Tell whether no two nodes say the same, whatever their case and blanks."""
    texts = [text.strip().casefold() for text in texts_of(value)]
    return len(texts) == len(set(texts))


def shared(nodes: object, others: object) -> list[etree._Element]:
    """Return the elements whose `extension` is a number among others, however it is written."""
    known = {digits([other]) for other in _nodes(others)}
    return [one for one in _elements(nodes) if digits(one.get("extension", "")) in known]


def unshared(nodes: object, others: object) -> list[etree._Element]:
    """Return the elements whose `extension` is a number that the others have not."""
    known = {digits([other]) for other in _nodes(others)}
    return [one for one in _elements(nodes) if digits(one.get("extension", "")) not in known]


def said_again(nodes: object, attribute: object) -> list[etree._Element]:
    """Return the elements whose attribute says what an earlier one's has said."""
    name = text_of(attribute)
    told: set[str] = set()
    again = []
    for element in _elements(nodes):
        if (value := element.get(name)) is None:
            continue
        if value in told:
            again.append(element)
        told.add(value)
    return again


def written_unlike(nodes: object) -> list[etree._Element]:
    """Return the elements whose `extension` is a number that another writes in another way."""
    forms: dict[str, set[str]] = {}
    for element in _elements(nodes):
        written = element.get("extension", "").strip()
        forms.setdefault(digits(written), set()).add(written)
    return [one for one in _elements(nodes) if len(forms[digits(one.get("extension", ""))]) > 1]


def repeated(nodes: object) -> list[etree._Element]:
    """Return the elements whose `extension` is a number that an earlier one has had."""
    seen: set[str] = set()
    again = []
    for element in _elements(nodes):
        number = digits(element.get("extension", ""))
        if number in seen:
            again.append(element)
        seen.add(number)
    return again


def disagreeing(keys: object, values: object) -> list[etree._Element]:
    """Return the keys (by the digits of `extension`) beside which different values stand.

    Both run side by side; where their numbers differ, nothing is said.
    """
    elements, texts = _elements(keys), [text_of(one).strip().casefold() for one in _nodes(values)]
    if len(elements) != len(texts):
        return []
    numbers = [digits(element.get("extension", "")) for element in elements]
    said: dict[str, set[str]] = {}
    for number, text in zip(numbers, texts, strict=True):
        said.setdefault(number, set()).add(text)
    return [one for one, number in zip(elements, numbers, strict=True) if len(said[number]) > 1]


def _elements(nodes: object) -> list[etree._Element]:
    return [one for one in _nodes(nodes) if etree.iselement(one)]


def _nodes(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def dangling(references: object, labels: object) -> list[etree._Element]:
    """Return the elements whose `value` is `#` and a label that none of the labels is."""
    known = set(texts_of(labels)) if isinstance(labels, list) else set()
    return [
        element
        for element in (references if isinstance(references, list) else [])
        if element.get("value", "").startswith("#") and element.get("value", "")[1:] not in known
    ]


def matches(value: object, pattern: object) -> bool:
    """Tell whether the whole text fits a regular expression (Python's)."""
    return _pattern(text_of(pattern)).fullmatch(text_of(value)) is not None


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text)


def _on_text(question: Callable[[str], bool]) -> Callable[[object], bool]:
    return lambda value: question(text_of(value).strip())


FUNCTIONS: Final[dict[str, Callable[..., object]]] = {
    "digits": digits,
    "filled": is_filled,
    "tidy": is_tidy,
    "snils": _on_text(is_snils),
    "enp": _on_text(is_enp),
    "ogrn": _on_text(is_ogrn),
    "ogrnip": _on_text(is_ogrnip),
    "inn": _on_text(is_inn),
    "time": is_time,
    "no-times": no_times,
    "in-order": in_order,
    "age": age,
    "telecom": is_telecom,
    "telecom-any": has_telecom,
    "name": is_name,
    "icd-10": is_icd_10,
    "uuid": is_uuid,
    "distinct": are_distinct,
    "shared": shared,
    "unshared": unshared,
    "said-again": said_again,
    "written-unlike": written_unlike,
    "repeated": repeated,
    "disagreeing": disagreeing,
    "dangling": dangling,
    "matches": matches,
}
"""By the name rules call them."""
