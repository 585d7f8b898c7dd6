"""XPath as rules write it."""

import pytest
from lxml import etree

from gateway.errors import SettingError
from gateway.validation.xpath import add_prefix, compile_xpath


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("/a/b[@c='d e']/text()", "/h:a/h:b[@c='d e']/text()"),
        ("a and b or c", "h:a and h:b or h:c"),
        ("and/or", "h:and/h:or"),
        ("a/div div b/mod", "h:a/h:div div h:b/h:mod"),
        ("child::a/attribute::b", "child::h:a/attribute::b"),
        ("preceding-sibling::a/@b", "preceding-sibling::h:a/@b"),
        ("//*[x:y]/* * 2", "//*[x:y]/* * 2"),
        ("count(a|../b) > 1.5", "count(h:a|../h:b) > 1.5"),
        ("r:age(a, $today) < 18", "r:age(h:a, $today) < 18"),
        ("a-b/@x:c", "h:a-b/@x:c"),
    ],
)
def test_names_without_a_prefix_get_one(written: str, read: str) -> None:
    assert add_prefix(written) == read


def test_a_name_without_a_prefix_lies_in_the_default_namespace() -> None:
    tree = etree.ElementTree(etree.fromstring('<a xmlns="urn:x"><b/></a>'))

    assert compile_xpath("count(/a/b)", {"": "urn:x"})(tree) == 1


@pytest.mark.parametrize("expression", ["/a[", "r:nothing(.)", "q:a"])
def test_what_is_no_xpath_is_refused_when_it_is_read(expression: str) -> None:
    with pytest.raises((SettingError, etree.XPathEvalError)):
        compile_xpath(expression, {"": "urn:x"})(etree.ElementTree(etree.fromstring("<a/>")))
