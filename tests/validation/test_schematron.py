import pytest
import saxonche

from gateway.errors import HouseError
from gateway.findings import Severity
from gateway.validation.schematron import ISO, transpile

SPACE = "urn:example"


def verdict(rules: str, document: str, *, phase: str = "", binding: str = "xslt2") -> list[str]:
    """Return `number path` of every failed check, in the order in which they were found."""
    schema = (
        f'<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="{binding}">'
        f'<ns prefix="e" uri="{SPACE}"/>{rules}</schema>'
    )
    book = transpile(schema.encode(), default_namespace=SPACE, phase=phase)
    processor = saxonche.PySaxonProcessor(license=False)
    compiler = processor.new_xslt30_processor()
    sheet = compiler.compile_stylesheet(stylesheet_text=book.stylesheet)
    node = processor.parse_xml(xml_text=f'<a xmlns="{SPACE}">{document}</a>')
    answer = sheet.transform_to_string(xdm_node=node) or ""
    return [line.replace(f"Q{{{SPACE}}}", "").replace("\t", " ") for line in answer.splitlines()]


def test_an_assert_counts_when_false_and_a_report_when_true() -> None:
    rules = (
        '<pattern><rule context="b">'
        '<assert test="@x">x</assert><report test="@y">y</report></rule></pattern>'
    )

    assert verdict(rules, '<b x="1"/><b y="1"/>') == ["1 /a[1]/b[2]", "2 /a[1]/b[2]"]


def test_the_first_rule_of_a_pattern_that_matches_decides() -> None:
    rules = (
        '<pattern><rule context="b[@x]"><assert test="@x=1">one</assert></rule>'
        '<rule context="b"><assert test="false()">two</assert></rule></pattern>'
    )

    assert verdict(rules, '<b x="1"/><b x="2"/><b/>') == ["1 /a[1]/b[2]", "2 /a[1]/b[3]"]


def test_every_pattern_sees_every_node() -> None:
    rules = '<pattern><rule context="b"><assert test="false()">no</assert></rule></pattern>' * 2

    assert verdict(rules, "<b/>") == ["1 /a[1]/b[1]", "2 /a[1]/b[1]"]


def test_a_node_below_a_matched_node_is_seen_too() -> None:
    rules = (
        '<pattern><rule context="a"><assert test="true()">a</assert></rule>'
        '<rule context="c"><assert test="false()">c</assert></rule></pattern>'
    )

    assert verdict(rules, "<b><c/></b>") == ["2 /a[1]/b[1]/c[1]"]


def test_attributes_are_visited_when_a_rule_asks_for_them() -> None:
    rules = '<pattern><rule context="b/@x"><assert test=".=1">x</assert></rule></pattern>'

    assert verdict(rules, '<b x="1"/><b x="2"/>') == ["1 /a[1]/b[2]/@x"]


@pytest.mark.parametrize(
    ("context", "place"),
    [
        ("b/text()", "/a[1]/b[1]/text()[1]"),
        ("/", "/"),
        ("(b)", "/a[1]/b[1]"),
        ("*[@y='[']", "/a[1]/c[1]"),
        ("a | c", "/a[1]"),
    ],
)
def test_whatever_a_context_names_is_visited(context: str, place: str) -> None:
    rules = f'<pattern><rule context="{context}"><report test="true()">x</report></rule></pattern>'

    assert f"1 {place}" in verdict(rules, '<b>x</b><c y="["/>')


def test_xpath_3_arrays_work_under_the_name_xslt2() -> None:
    rules = '<pattern><rule context="b"><assert test="@x=[1,2]">x</assert></rule></pattern>'

    assert verdict(rules, '<b x="2"/><b x="3"/>') == ["1 /a[1]/b[2]"]


def test_a_test_that_cannot_be_evaluated_is_not_passed() -> None:
    rules = (
        '<pattern><rule context="b"><assert test="matches(c, \'x\')">x</assert>'
        '<report test="matches(\'x\', d)">y</report><assert test="true()">z</assert>'
        "</rule></pattern>"
    )

    assert verdict(rules, "<b><c>x</c><c>x</c></b>") == ["1 /a[1]/b[1]", "2 /a[1]/b[1]"]


def test_lets_of_schema_pattern_and_rule_are_in_scope() -> None:
    rules = (
        '<let name="one" value="1"/><pattern><let name="two" value="//b[2]/@x"/>'
        '<rule context="b"><let name="mine" value="@x"/>'
        '<assert test="$mine = ($one, $two)">x</assert></rule></pattern>'
    )

    assert verdict(rules, '<b x="1"/><b x="7"/><b x="8"/>') == ["1 /a[1]/b[3]"]


PHASES = (
    '<phase id="some"><active pattern="second"/></phase>'
    '<pattern id="first"><rule context="b"><assert test="false()">1</assert></rule></pattern>'
    '<pattern id="second"><rule context="b"><assert test="false()">2</assert></rule></pattern>'
)


@pytest.mark.parametrize(("phase", "numbers"), [("", "12"), ("#ALL", "12"), ("some", "2")])
def test_a_phase_runs_its_patterns_and_keeps_their_numbers(phase: str, numbers: str) -> None:
    assert [line[0] for line in verdict(PHASES, "<b/>", phase=phase)] == list(numbers)


def test_abstract_rules_and_patterns_lend_their_checks() -> None:
    rules = (
        '<pattern abstract="true" id="any"><rule abstract="true" id="named">'
        '<assert test="@n">n</assert></rule>'
        '<rule context="$what"><extends rule="named"/><assert test="@$mark">m</assert></rule>'
        '</pattern><pattern is-a="any"><param name="what" value="b"/>'
        '<param name="mark" value="x"/></pattern>'
    )

    assert verdict(rules, '<b n="1"/><c/>') == ["2 /a[1]/b[1]"]


def test_words_and_weight_of_a_check_are_kept_and_values_are_not_quoted() -> None:
    schema = (
        '<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="xslt2"><pattern>'
        '<rule context="b"><assert role="warning" test="@x">У3-1. Нет\n  '
        '<value-of select="@name"/> у <name/>.</assert></rule></pattern></schema>'
    )

    check = transpile(schema.encode(), default_namespace=SPACE).checks[1]

    assert check.official == "У3-1"
    assert check.text == "У3-1. Нет {@name} у {name(.)}."
    assert check.severity is Severity.WARNING


@pytest.mark.parametrize(
    "schema",
    [
        "<schema",
        "<schema/>",
        '<schema xmlns="http://purl.oclc.org/dsdl/schematron" queryBinding="exslt"/>',
        f'<schema xmlns="{ISO}" queryBinding="xslt2"><include href="other.sch"/></schema>',
    ],
)
def test_what_cannot_be_compiled_is_refused_at_once(schema: str) -> None:
    with pytest.raises(HouseError):
        transpile(schema.encode(), default_namespace=SPACE)
