"""Each code has one meaning, a text may know better, and the worst of several decides."""

from __future__ import annotations

import csv
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.endpoints.remd.faults import (
    FOLDER,
    Class,
    ErrorItem,
    Faults,
    normal_code,
    read_faults,
)
from gateway.errors import SettingError
from gateway.exchange.events import Answered, Source, TurnedAway, Unavailable
from gateway.findings import Mender, Severity

FAULTS = read_faults()
with (FOLDER / "codes.csv").open(encoding="utf-8") as _file:
    ROWS = list(csv.DictReader(_file))
MENDERS = {
    "data": Mender.SENDER,
    "software": Mender.VENDOR,
    "integrator": Mender.INTEGRATOR,
}


def settle(*items: tuple[str, str]) -> Answered | TurnedAway | Unavailable:
    told = [ErrorItem(code, message) for code, message in items]
    return FAULTS.settle(told, source=Source.CALLBACK, message_id="m", wire=())


def test_dictionary_has_its_127_codes_once() -> None:
    assert len(ROWS) == len({row["code"] for row in ROWS}) == len(FAULTS.codes) == 127


@pytest.mark.parametrize("row", ROWS, ids=lambda row: str(row["code"]))
def test_every_code_leads_where_its_row_says(row: dict[str, str]) -> None:
    answer = settle((row["code"], ""))

    if row["class"] in {"retry", "file"}:
        assert isinstance(answer, TurnedAway)
        assert answer.in_time is (row["code"] != "ASYNC_RESPONSE_TIMEOUT")
    elif row["class"] == "already":
        assert isinstance(answer, Answered)
        assert answer.registered
        assert answer.already
    else:
        assert isinstance(answer, Answered)
        assert not answer.registered
        assert [one.mender for one in answer.findings] == [MENDERS[row["class"]]]


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("RUNTIME_ERROR", "Не удалось зарегистрировать документ за отведённое время", "retry"),
        ("", "Не удалось зарегистрировать документ за отведенное время.", "retry"),
        ("VALIDATION_ERROR", "Организация [1.2.3] не привязана к РМИС [emdr-1]", "integrator"),
        ("VALIDATION_ERROR", "Ошибка получения файла ЭМД из хранилища", "file"),
        ("RUNTIME_ERROR", "Error in getDocumentFile by SOAP", "file"),
        ("RUNTIME_ERROR", "просьба повторить через минуту", "retry"),
        ("VALIDATION_ERROR", "Справочник OID [1.2]. Версия [4.31] недопустима", "data"),
        ("VALIDATION_ERROR", "У3-5. Элемент должен иметь не менее 1", "software"),
        ("RUNTIME_ERROR", "Непредвиденная ошибка", "retry"),
        ("NO_SNILS", "Ошибка получения файла", "data"),  # a code that is plain is not doubted
        ("E1", "Bad", "unknown"),
    ],
)
def test_text_knows_better_where_the_code_is_generic(code: str, message: str, kind: str) -> None:
    assert FAULTS.cause(ErrorItem(code, message)).kind == Class(kind)


def test_not_in_time_is_told_apart() -> None:
    answer = settle(("RUNTIME_ERROR", "Не удалось зарегистрировать документ за отведенное время"))

    assert isinstance(answer, TurnedAway)
    assert not answer.in_time
    assert answer.message_id == "m"


def test_number_of_what_is_already_registered_is_read_from_the_text() -> None:
    told = "Документ с идентификатором 'x' уже зарегистрирован с номером [119.77.26.05.030830566]"

    answer = settle(("NOT_UNIQUE_PROVIDED_ID", told))

    assert isinstance(answer, Answered)
    assert answer.number == "119.77.26.05.030830566"


@pytest.mark.parametrize(
    ("items", "outcome"),
    [
        ((("RATE_LIMIT", ""), ("NO_SNILS", "")), "rejected"),
        ((("RATE_LIMIT", ""), ("INTERNAL_ERROR", "")), "turned away"),
        ((("NO_SNILS", ""), ("NOT_UNIQUE_PROVIDED_ID", "")), "registered"),
        ((("E1", "Bad"), ("E2", "Worse")), "rejected"),
    ],
)
def test_worst_of_several_decides_and_registered_outranks_all(
    items: tuple[tuple[str, str], ...], outcome: str
) -> None:
    answer = settle(*items)

    found = "turned away"
    if isinstance(answer, Answered):
        found = "registered" if answer.registered else "rejected"
    assert found == outcome


def test_all_errors_become_findings_each_with_its_severity() -> None:
    answer = settle(("NO_SNILS", ""), ("RATE_LIMIT", ""), ("NO_RMIS", ""))

    assert isinstance(answer, Answered)
    assert [(one.rule, one.severity) for one in answer.findings] == [
        ("remd/NO_SNILS", Severity.ERROR),
        ("remd/RATE_LIMIT", Severity.WARNING),
        ("remd/NO_RMIS", Severity.ERROR),
    ]


def test_rate_limit_waits_a_minute() -> None:
    answer = settle(("RATE_LIMIT", ""))

    assert isinstance(answer, TurnedAway)
    assert answer.retry_after == timedelta(minutes=1)


def test_spelling_of_the_dictionary_and_of_the_wire_are_one() -> None:
    assert normal_code(" recipient_name_mismatch ") == "RECEPIENT_NAME_MISMATCH"
    assert FAULTS.cause(ErrorItem("RECIPIENT_NAME_MISMATCH", "")).kind is Class.DATA


def test_number_of_the_ministrys_check_is_kept() -> None:
    answer = settle(("VALIDATION_ERROR", "Ошибка: У3-17. Элемент value"))

    assert isinstance(answer, Answered)
    assert answer.findings[0].official == "У3-17"


def test_error_without_a_cause_settles_nothing() -> None:
    assert isinstance(settle(), Unavailable)


def test_unknown_class_in_the_table_is_refused_with_its_row(tmp_path: Path) -> None:
    (tmp_path / "codes.csv").write_text("code,nsi,class,area\nNO_SNILS,1,dta,patient\n")

    with pytest.raises(SettingError, match="NO_SNILS"):
        read_faults(tmp_path)


@given(st.text(), st.text())
def test_any_error_has_a_meaning_and_repeats_no_text(code: str, message: str) -> None:
    faults: Faults = FAULTS
    answer = faults.settle(
        [ErrorItem(code, f"Имя [Пётр] {message}")],
        source=Source.CALLBACK,
        message_id="",
        wire=(),
    )

    assert "Пётр" not in repr(answer)
