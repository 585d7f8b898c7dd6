"""The check digits of the numbers by which the state knows people and organizations.

Each takes the number as text, without blanks around it; an insurance number may have its dashes.
"""

from __future__ import annotations

import re


def is_snils(number: str) -> bool:
    """Tell whether an insurance number is whole and its two check digits hold.

    The pension fund's way: weights 9…1, modulo 101, 100 and 101 are 00; numbers up to 001-001-998
    carry no check.
    """
    number = re.sub(r"[^0-9]", "", number)
    if len(number) != 11 or number == "0" * 11:
        return False
    if int(number[:9]) <= 1_001_998:
        return True
    total = sum((9 - place) * int(digit) for place, digit in enumerate(number[:9]))
    return total % 101 % 100 == int(number[9:])


def is_enp(number: str) -> bool:
    """Tell whether a medical policy number of the single form is whole and its check digit holds.

    ФОМС's way: the digits in odd places from the right joined and doubled, the even ones in front,
    digit sum, complement to ten.
    """
    if not re.fullmatch(r"[0-9]{16}", number):
        return False
    body = number[:15][::-1]
    odd, even = body[0::2], body[1::2]
    total = sum(int(digit) for digit in even + str(int(odd) * 2))
    return (10 - total % 10) % 10 == int(number[15])


def is_ogrn(number: str) -> bool:
    """Tell whether a state registration number of an organization holds (13 digits, modulo 11)."""
    return bool(re.fullmatch(r"[0-9]{13}", number)) and int(number[:12]) % 11 % 10 == int(
        number[12]
    )


def is_ogrnip(number: str) -> bool:
    """Tell whether a registration number of an entrepreneur holds (15 digits, modulo 13)."""
    return bool(re.fullmatch(r"[0-9]{15}", number)) and int(number[:14]) % 13 % 10 == int(
        number[14]
    )


def is_inn(number: str) -> bool:
    """Tell whether a taxpayer number holds: 10 digits for organizations, 12 for people.

    The tax service's way: weighted sums modulo 11 modulo 10.
    """
    if not re.fullmatch(r"[0-9]{10}|[0-9]{12}", number):
        return False
    weights = (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8)
    places = [9] if len(number) == 10 else [10, 11]
    for place in places:
        total = sum(int(a) * b for a, b in zip(number, weights[11 - place :], strict=False))
        if total % 11 % 10 != int(number[place]):
            return False
    return True
