"""Invented citizens: a number makes one, always the same, and no number makes a real one.

Insurance numbers come from ranges that nobody has been given (СНИЛС 991-… and 992-…, policies
with a nine where the code of the birth date stands), with check digits that hold.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Final

CITIZENS: Final = 991
GUARDIANS: Final = 992
MOST: Final = 999_999
"""How many different citizens there are: six digits of a СНИЛС are theirs."""
_HOUSES: Final = uuid.UUID("5b1d3f0a-2c57-4d0e-9e55-0a6d1b0c0001")

_FAMILIES: Final = (
    "Воронцов", "Гусев", "Дорохов", "Ермилов", "Жаров", "Зимин", "Игнатов", "Калинин", "Лавров",
    "Мельников", "Назаров", "Осипов", "Панкратов", "Рогозин", "Савельев", "Терентьев", "Устинов",
    "Филатов", "Холодов", "Чернов", "Шапошников", "Щербаков", "Юдин",
)  # fmt: skip
_GIVEN: Final = {
    "male": (
        "Александр", "Борис", "Виктор", "Геннадий", "Денис", "Евгений", "Игорь", "Кирилл",
        "Леонид", "Михаил", "Николай", "Павел", "Роман", "Сергей", "Юрий",
    ),
    "female": (
        "Анна", "Вера", "Галина", "Дарья", "Екатерина", "Жанна", "Зоя", "Ирина", "Лариса",
        "Мария", "Надежда", "Ольга", "Полина", "Светлана", "Тамара",
    ),
}  # fmt: skip
_FATHERS: Final = (
    ("Алексеевич", "Алексеевна"), ("Борисович", "Борисовна"), ("Васильевич", "Васильевна"),
    ("Григорьевич", "Григорьевна"), ("Дмитриевич", "Дмитриевна"), ("Иванович", "Ивановна"),
    ("Константинович", "Константиновна"), ("Львович", "Львовна"), ("Максимович", "Максимовна"),
    ("Олегович", "Олеговна"), ("Петрович", "Петровна"), ("Степанович", "Степановна"),
    ("Фёдорович", "Фёдоровна"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Person:
    """An invented citizen; numbers as they are written in a document."""

    family: str
    given: str
    patronymic: str
    snils: str
    policy: str
    passport_series: str
    passport_number: str
    phone: str


def invent(number: int, sex: str, *, kind: int = CITIZENS, region: str = "77") -> Person:
    """Return citizen `number` (1 to 999,999) of `sex` (male, female) of a region's code.

    `kind` keeps patients and their guardians apart.
    """
    if not 1 <= number <= MOST:
        raise ValueError(f"{number} is not within 1 and {MOST}")
    is_female = sex == "female"
    family = _FAMILIES[number % len(_FAMILIES)]
    return Person(
        family=family + "а" if is_female else family,
        given=_GIVEN[sex][number // 7 % len(_GIVEN[sex])],
        patronymic=_FATHERS[number // 5 % len(_FATHERS)][is_female],
        snils=snils_of(kind * 1_000_000 + number),
        policy=policy_of(f"{region}9{kind}{number:09d}"),
        passport_series=f"{region} 99",
        passport_number=f"{kind % 10}{number:05d}"[-6:] if number < 100_000 else f"{number:06d}",
        phone=f"+7990{kind % 10}{number:06d}",
    )


def snils_of(number: int) -> str:
    """Return a nine-digit insurance number with its check digits, as it is written.

    Resolution of the ПФР board 192п (2006), annex 1: weights 9 to 1, modulo 101.
    """
    digits = f"{number:09d}"
    total = sum((9 - place) * int(digit) for place, digit in enumerate(digits))
    return f"{digits[:3]}-{digits[3:6]}-{digits[6:]} {total % 101 % 100:02d}"


def policy_of(number: str) -> str:
    """Return fifteen digits of a medical policy with the sixteenth, its check digit.

    ФОМС, general principles of the ОМС information system: digits in odd places from the right
    joined and doubled, those in even places in front, digit sum, complement to ten.
    """
    odd, even = number[::-1][0::2], number[::-1][1::2]
    total = sum(int(digit) for digit in f"{even}{int(odd) * 2}")
    return f"{number}{-total % 10}"


def house_of(number: int) -> str:
    """Return the GUID of the house (ФИАС) in which citizen `number` lives."""
    return str(uuid.uuid5(_HOUSES, str(number)))
