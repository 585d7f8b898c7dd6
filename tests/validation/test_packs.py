import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.errors import HouseError
from gateway.findings import Mender, Severity, Tier
from gateway.validation.pack_folders import find_packs
from gateway.validation.pack_worker import _told
from gateway.validation.packs import PackRunner
from tests.validation.pack_made_here import SCHEMATRON, TEMPLATE, document, write_pack

GOOD = document('<code code="34"/>')
# A worker that works, except that a document with these words hangs or kills it. `once` leaves
# a mark, so that the document is judged the second time.
UNRULY = """
import pathlib, sys, time
from gateway.validation import pack_worker
folder = pathlib.Path(sys.argv[1])
with (folder / "starts").open("a") as starts:
    starts.write("I")
judge = pack_worker.CompiledPack.judge
def unruly(self, processor, content):
    mark = folder / "mark"
    if b"hang" in content:
        time.sleep(3600)
    if b"die" in content or (b"once" in content and not mark.exists()):
        mark.touch()
        sys.exit(1)
    return judge(self, processor, content)
pack_worker.CompiledPack.judge = unruly
pack_worker.main()
"""


@pytest.fixture
async def runner(tmp_path: Path) -> AsyncIterator[PackRunner]:
    runner = PackRunner(find_packs([write_pack(tmp_path)]))
    await runner.start()
    yield runner
    await runner.close()


@pytest.fixture
async def unruly(tmp_path: Path) -> AsyncIterator[PackRunner]:
    command = (sys.executable, "-c", UNRULY, str(tmp_path))
    runner = PackRunner(find_packs([write_pack(tmp_path)]), limit=1.0, command=command)
    await runner.start()
    yield runner
    await runner.close()


async def test_a_good_document_passes_every_check(runner: PackRunner) -> None:
    report = await runner.check(GOOD, TEMPLATE)

    assert (report.ran, report.findings, report.checks) == ("ran", (), 3)


async def test_a_failed_check_is_named_with_its_place_and_line(runner: PackRunner) -> None:
    report = await runner.check(document('<code code="34"/>\n<code code="35"/>'), TEMPLATE)

    (finding,) = report.findings
    assert finding.rule == "121/2"
    assert finding.official == "У1-13"
    assert finding.where == "/ClinicalDocument/code[2]"
    assert finding.line == 4
    assert finding.text() == "У1-13. Не тот код."
    assert (finding.tier, finding.mender) == (Tier.PACK, Mender.VENDOR)


async def test_a_report_counts_when_it_is_true(runner: PackRunner) -> None:
    report = await runner.check(document('<code code="34" codeSystem="1"/>'), TEMPLATE)

    assert [finding.rule for finding in report.findings] == ["121/3"]


async def test_what_fails_the_schema_is_not_shown_to_the_schematron(runner: PackRunner) -> None:
    report = await runner.check(document('<code code="35"/><foreign/>'), TEMPLATE)

    (finding,) = report.findings
    assert report.ran == "not reached"
    assert finding.rule == "121/xsd/element_content"
    assert finding.where == "/ClinicalDocument/foreign[1]"


async def test_a_wrong_namespace_is_not_taken_for_a_pass(runner: PackRunner) -> None:
    report = await runner.check(document('<code code="35"/>', "urn:f88"), TEMPLATE)

    assert report.ran == "not reached"
    assert [finding.rule for finding in report.findings] == ["121/xsd/namespace"]


async def test_the_faulty_value_is_not_repeated(runner: PackRunner) -> None:
    report = await runner.check(
        document('<code code="34"/><birthTime>Иванов</birthTime>'), TEMPLATE
    )

    (finding,) = report.findings
    assert "is not a valid value" in finding.text("en")
    assert "Иванов" not in finding.text("ru") + finding.text("en")


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Element '{urn:hl7-org:v3}value': [facet 'pattern'] The value 'O'Neil' is not in 'x'.",
            "Element 'value': [facet 'pattern'] The value '…' is not in '…'.",
        ),
        (
            "Element '{urn:hl7-org:v3}id': Duplicate key-sequence ['Иванов'] in ['x', 'y'].",
            "Element 'id': Duplicate key-sequence ['…'] in ['…', '…'].",
        ),
    ],
)
def test_what_libxml2_quotes_of_the_document_is_cut(message: str, told: str) -> None:
    assert _told(message) == told


async def test_no_pack_for_this_template_is_said(runner: PackRunner) -> None:
    assert (await runner.check(GOOD, "1.2.3")).ran == "not installed"


async def test_without_packs_nothing_is_started() -> None:
    runner = PackRunner(())

    await runner.start()

    assert (await runner.check(GOOD, TEMPLATE)).ran == "not installed"


async def test_a_hanging_worker_is_killed_and_the_next_document_is_judged(
    unruly: PackRunner,
) -> None:
    report = await unruly.check(document('<code code="hang"/>'), TEMPLATE)
    after = await unruly.check(GOOD, TEMPLATE)

    assert report.ran == "gave up"
    assert [finding.severity for finding in report.findings] == [Severity.INFORMATION]
    assert [finding.mender for finding in report.findings] == [Mender.OPERATOR]
    assert after.ran == "ran"


async def test_a_document_that_kills_every_worker_is_given_up(unruly: PackRunner) -> None:
    report = await unruly.check(document('<code code="die"/>'), TEMPLATE)
    after = await unruly.check(GOOD, TEMPLATE)

    assert (report.ran, after.ran) == ("gave up", "ran")


async def test_a_document_that_met_a_dying_worker_is_shown_again(unruly: PackRunner) -> None:
    report = await unruly.check(document('<code code="once"/>'), TEMPLATE)

    assert [finding.rule for finding in report.findings] == ["121/2"]


async def test_a_caller_who_left_does_not_get_anothers_answer(unruly: PackRunner) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await unruly.check(document('<code code="hang"/>'), TEMPLATE)

    assert (await unruly.check(GOOD, TEMPLATE)).findings == ()


async def test_closing_gives_up_what_is_under_way_and_starts_nothing_new(
    unruly: PackRunner, tmp_path: Path
) -> None:
    under_way = asyncio.ensure_future(unruly.check(document('<code code="hang"/>'), TEMPLATE))
    await asyncio.sleep(0)

    await unruly.close()

    assert (await under_way).ran == "gave up"
    assert (tmp_path / "starts").read_text() == "I"
    with pytest.raises(HouseError, match="not running"):
        await unruly.check(GOOD, TEMPLATE)


async def test_several_documents_are_judged_at_a_time_each_by_itself(tmp_path: Path) -> None:
    runner = PackRunner(find_packs([write_pack(tmp_path)]), workers=2)
    await runner.start()

    reports = await asyncio.gather(
        *(runner.check(document(f'<code code="{code}"/>'), TEMPLATE) for code in (34, 35) * 8)
    )

    assert [len(report.findings) for report in reports] == [0, 1] * 8
    await runner.close()


@pytest.mark.parametrize(
    "schematron", [SCHEMATRON.replace("@code=", "@code=="), SCHEMATRON.replace("xslt2", "stx")]
)
async def test_a_pack_that_does_not_compile_stops_the_start(
    tmp_path: Path, schematron: str
) -> None:
    runner = PackRunner(find_packs([write_pack(tmp_path, schematron)]))

    with pytest.raises(HouseError):
        await runner.start()
