import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.samples.people import GUARDIANS, MOST, invent, policy_of, snils_of


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (112233445, "112-233-445 95"),  # the example of the resolution's commentaries
        (87654303, "087-654-303 00"),  # 202: two whole rounds
        (990000148, "990-000-148 71"),  # the chair of certs/pki.toml
    ],
)
def test_check_digits_of_an_insurance_number(number: int, written: str) -> None:
    assert snils_of(number) == written


def test_check_digit_of_a_policy() -> None:
    # Odd places from the right of 123456789012345: 5,3,1,9,7,5,3,1 doubled is 106395 0602…
    body = "123456789012345"
    number = policy_of(body)

    odd, even = body[::-1][0::2], body[::-1][1::2]
    digits = sum(int(digit) for digit in even + str(2 * int(odd)))
    assert number == body + str((10 - digits % 10) % 10)


@given(number=st.integers(1, MOST), sex=st.sampled_from(["male", "female"]))
def test_every_number_makes_a_whole_person_always_the_same(number: int, sex: str) -> None:
    person = invent(number, sex)

    assert person == invent(number, sex)
    assert len(person.policy) == 16
    assert len(person.passport_number) == 6
    assert person.phone[2:].isdigit()
    assert person.family.endswith("а") == (sex == "female")


def test_patients_and_guardians_never_share_a_number() -> None:
    patients = {invent(number, "male").snils for number in range(1, 500)}
    guardians = {invent(number, "female", kind=GUARDIANS).snils for number in range(1, 500)}

    assert len(patients) == len(guardians) == 499
    assert not patients & guardians


@pytest.mark.parametrize("number", [0, MOST + 1])
def test_there_is_no_citizen_beyond_the_range(number: int) -> None:
    with pytest.raises(ValueError, match="not within"):
        invent(number, "male")
