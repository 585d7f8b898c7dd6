"""What РЭМД's error codes mean: try again, already there, or who must mend what.

The codes (НСИ 1.2.643.5.1.13.13.99.2.305) and the rules for texts are tables in `mappings/remd`.
РЭМД's own sentences may name people: they stay in the stored message, findings are in our words.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.errors import SettingError
from gateway.exchange.events import Answered, Source, TurnedAway, Unavailable, Wire
from gateway.findings import Finding, Mender, Severity, Tier
from gateway.formats.soap import Fault, FaultCode
from gateway.resources import MAPPINGS

FOLDER: Final = MAPPINGS / "remd"


class Class(StrEnum):
    """What follows from a code."""

    RETRY = "retry"
    """It passes: the same document may come again."""
    FILE = "file"
    """РЭМД could not fetch the file from us: once we can be reached, it passes."""
    ALREADY = "already"
    """A document of this id is registered."""
    DATA = "data"
    """The medical organisation must mend the content."""
    SOFTWARE = "software"
    """The maker of the МИС must mend the form."""
    INTEGRATOR = "integrator"
    """Whoever runs the regional system must be asked: who may send for whom."""
    UNKNOWN = "unknown"
    """The code is in no table of ours; a «no» all the same."""


_MENDERS: Final = {
    Class.RETRY: Mender.NOBODY,
    Class.FILE: Mender.OPERATOR,
    Class.ALREADY: Mender.NOBODY,
    Class.DATA: Mender.SENDER,
    Class.SOFTWARE: Mender.VENDOR,
    Class.INTEGRATOR: Mender.INTEGRATOR,
    Class.UNKNOWN: Mender.OPERATOR,
}
_PASSING: Final = frozenset({Class.RETRY, Class.FILE})
_RATE_LIMIT: Final = timedelta(minutes=1)  # «просьба повторить через минуту или позже»
_NOT_IN_TIME: Final = "ASYNC_RESPONSE_TIMEOUT"
_PATIENT: Final = "/ClinicalDocument/recordTarget/patientRole"
_AREAS: Final = {
    "patient": (_PATIENT, "сведения о пациенте", "the patient"),
    "address": (f"{_PATIENT}/addr", "адрес", "an address"),
    "staff": ("/ClinicalDocument/documentationOf/serviceEvent", "медработник", "a signer"),
    "signature": ("/ClinicalDocument", "подпись или сертификат", "a signature or certificate"),
    "dictionary": ("/ClinicalDocument", "значения справочников НСИ", "dictionary values"),
    "structure": ("/ClinicalDocument", "строение документа", "the document's structure"),
    "organization": (
        f"{_PATIENT}/providerOrganization",
        "организация или её информационная система",
        "the organisation or its system",
    ),
    "registry": ("/ClinicalDocument/id", "правила регистрации", "the rules of registration"),
    "technical": ("", "техническая ошибка РЭМД", "a technical fault of РЭМД"),
    "file": ("", "получение файла документа", "fetching the file"),
    "frllo": ("/ClinicalDocument", "сведения для ФРЛЛО", "what ФРЛЛО needs"),
    "order": ("", "заказ справок онлайн", "certificates ordered online"),
    "text": ("/ClinicalDocument", "причина названа в тексте ответа", "see the answer's text"),
}
_NUMBER: Final = re.compile(r"номером\s*\[?\s*([0-9]+(?:\.[0-9]+){2,8})", re.IGNORECASE)
_CHECK: Final = re.compile(r"\b(?:У|Main|Core)[0-9]{1,2}-[0-9]{1,3}\b")
_MNEMONIC: Final = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """One error as РЭМД says it."""

    code: str
    message: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Cause:
    """What one error means."""

    code: str
    kind: Class
    area: str
    in_time: bool = True
    number: str = ""
    check: str = ""
    """The Ministry's own number of a check, where the text names one."""


@dataclass(frozen=True, slots=True)
class TextRule:
    """What a text says where its code does not; no codes: any code."""

    codes: frozenset[str]
    matches: Callable[[str], object]
    kind: Class
    area: str
    in_time: bool

    def applies(self, code: str, kind: Class, text: str) -> bool:
        """Tell whether the rule speaks of this error; a code nobody knows is as good as any."""
        named = not self.codes or code in self.codes or kind is Class.UNKNOWN
        return named and bool(self.matches(text))


@dataclass(frozen=True, slots=True)
class Faults:
    """The tables, read."""

    codes: Mapping[str, tuple[Class, str]]
    texts: tuple[TextRule, ...]

    def cause(self, item: ErrorItem) -> Cause:
        """Return what an error means: by its text where a rule knows it, else by its code."""
        code = normal_code(item.code)
        kind, area = self.codes.get(code, (Class.UNKNOWN, "text"))
        in_time = code != _NOT_IN_TIME
        text = item.message.lower().replace("ё", "е")
        rule = next((one for one in self.texts if one.applies(code, kind, text)), None)
        if rule is not None:
            kind, area, in_time = rule.kind, rule.area, rule.in_time
        number, check = _NUMBER.search(item.message), _CHECK.search(item.message)
        return Cause(
            code=code,
            kind=kind,
            area=area,
            in_time=in_time,
            number=number[1] if number and kind is Class.ALREADY else "",
            check=check[0] if check else "",
        )

    def known_codes(self, items: Iterable[ErrorItem]) -> tuple[str, ...]:
        """Return the codes of errors, for a log: what is in no table is not repeated."""
        return tuple(dict.fromkeys(_printed(normal_code(item.code)) for item in items))

    def settle(
        self, items: Iterable[ErrorItem], *, source: Source, message_id: str, wire: tuple[Wire, ...]
    ) -> Answered | TurnedAway | Unavailable:
        """Return the verdict of an answer that says «error».

        «Already registered» outranks all, for it tells a fact of the registry. Else the worst
        decides: what must be mended outranks what passes.
        """
        causes = tuple(self.cause(item) for item in items)
        if not causes:
            return Unavailable(reason="an error without a cause", wire=wire)
        codes = tuple(dict.fromkeys(_printed(one.code) for one in causes))
        already = [one for one in causes if one.kind is Class.ALREADY]
        if not already and all(one.kind in _PASSING for one in causes):
            return _turned_away(causes, codes, message_id, wire)
        return Answered(
            registered=bool(already),
            already=bool(already),
            source=source,
            message_id=message_id,
            number=next((one.number for one in already if one.number), ""),
            codes=codes,
            findings=tuple(_finding(one) for one in causes if one.kind is not Class.ALREADY),
            wire=wire,
        )

    def settle_fault(
        self, fault: Fault, *, message_id: str, wire: tuple[Wire, ...]
    ) -> Answered | TurnedAway | Unavailable:
        """Return what a verified Fault means.

        One that names a code is judged by it. Another one of the sender's class speaks of the
        envelope, not of the document: it was not taken and may come again. What the receiver
        did before it failed nobody knows.
        """
        told = f"{fault.reason} {_detail_text(fault)}"
        items = [
            ErrorItem(code, told)
            for code in dict.fromkeys(_MNEMONIC.findall(told))
            if normal_code(code) in self.codes
        ]
        if items:
            return self.settle(items, source=Source.SYNCHRONOUS, message_id=message_id, wire=wire)
        text = f"SOAP Fault {fault.code.value or 'of an unknown class'}"
        if fault.code in {FaultCode.RECEIVER, FaultCode.OTHER}:
            return Unavailable(reason=text, wire=wire)
        return TurnedAway(text=text, message_id=message_id, wire=wire)


def normal_code(code: str) -> str:
    """Return a code as the dictionary spells it: RECEPIENT_, where РЭМД sends RECIPIENT_."""
    return re.sub(r"^RECIPIENT_", "RECEPIENT_", code.strip().upper())


def read_faults(folder: Path = FOLDER) -> Faults:
    """Read the tables. Raises SettingError naming the row."""
    return Faults(_read_codes(folder / "codes.csv"), _read_texts(folder / "texts.yaml"))


def _read_codes(path: Path) -> dict[str, tuple[Class, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["code"]: _entry(row, path.name) for row in csv.DictReader(file)}


def _read_texts(path: Path) -> tuple[TextRule, ...]:
    told: Sequence[Mapping[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return tuple(_text_rule(one, path.name) for one in told)


def _text_rule(told: Mapping[str, Any], where: str) -> TextRule:
    kind, area = _entry(told, where)
    return TextRule(
        codes=frozenset(told["codes"]),
        matches=re.compile(told["text"], re.DOTALL).search,
        kind=kind,
        area=area,
        in_time=bool(told.get("in_time", True)),
    )


def _entry(row: Mapping[str, Any], where: str) -> tuple[Class, str]:
    area, name = str(row.get("area")), row.get("code") or row.get("id")
    if area not in _AREAS or row.get("class") not in set(Class):
        raise SettingError("no such class or area", where=f"{where}:{name}")
    return Class(row["class"]), area


def _turned_away(
    causes: tuple[Cause, ...], codes: tuple[str, ...], message_id: str, wire: tuple[Wire, ...]
) -> TurnedAway:
    return TurnedAway(
        codes=codes,
        text="; ".join(dict.fromkeys(_AREAS[one.area][1] for one in causes)),
        in_time=all(one.in_time for one in causes),
        message_id=message_id,
        retry_after=_RATE_LIMIT if "RATE_LIMIT" in codes else None,
        wire=wire,
    )


def _finding(cause: Cause) -> Finding:
    where, russian, english = _AREAS[cause.area]
    code = _printed(cause.code)
    return Finding(
        rule=f"remd/{code}",
        code="transient" if cause.kind in _PASSING else "processing",
        severity=Severity.WARNING if cause.kind in _PASSING else Severity.ERROR,
        where=where,
        texts={
            "ru": f"РЭМД не зарегистрировал документ: {code}, {russian}.",
            "en": f"РЭМД did not register the document: {code}, {english}.",
        },
        mender=_MENDERS[cause.kind],
        tier=Tier.EXCHANGE,
        official=cause.check,
    )


def _printed(code: str) -> str:
    """Return a code that may be shown: what is in no table could hold anything."""
    return code if _MNEMONIC.fullmatch(code) else "UNKNOWN_CODE"


def _detail_text(fault: Fault) -> str:
    return "" if fault.detail is None else " ".join(str(one) for one in fault.detail.itertext())
