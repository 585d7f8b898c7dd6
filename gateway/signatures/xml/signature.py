"""Reads a ds:Signature: exactly the elements it must hold, and only what the rules admit."""

from __future__ import annotations

import binascii
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.xml.canonical import IS_EXCLUSIVE
from gateway.signatures.xml.names import DS, EXCLUSIVE

_MOST_REFERENCES: Final = 8
_MOST_PREFIXES: Final = 16
_ATTRIBUTES: Final = frozenset({"URI", "Id", "Type"})


class Reach(Enum):
    """What a reference may lead to."""

    WHOLE = "whole"
    """The document, URI `""`."""
    PART = "part"
    """One element of it, URI `#id`."""
    BESIDE = "beside"
    """Content that the receiver knows: no URI."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a signature may be made of; everything else is refused, known or not."""

    methods: frozenset[str]
    """Canonicalisations of SignedInfo."""
    chains: frozenset[tuple[str, ...]]
    """Transforms, in their order."""
    reach: frozenset[Reach]


@dataclass(frozen=True, slots=True)
class Reference:
    """One ds:Reference: which element, how made canonical, by which hash.

    `uri` is None where there is none: the receiver knows what is meant (XML-DSig §4.4.3.1).
    """

    uri: str | None
    chain: tuple[str, ...]
    prefixes: tuple[str, ...]
    digest_uri: str
    digest_value: bytes


@dataclass(frozen=True, slots=True, eq=False)
class Signature:
    """The parts of one ds:Signature."""

    element: etree._Element
    signed_info: etree._Element
    method: str
    prefixes: tuple[str, ...]
    algorithm_uri: str
    value: bytes
    references: tuple[Reference, ...]
    key_info: etree._Element


def read_signature(element: etree._Element, rules: Rules) -> Signature:
    """Return the parts; raise MalformedMessage naming what is missing or not admitted."""
    signed_info, value, key_info = need(element, ("SignedInfo", "SignatureValue", "KeyInfo"))
    method, algorithm, *references = _need_signed_info(signed_info)
    if method.get("Algorithm") not in rules.methods:
        raise MalformedMessage("a canonicalisation is not admitted")
    return Signature(
        element=element,
        signed_info=signed_info,
        method=method.get("Algorithm", ""),
        prefixes=_read_prefixes(method),
        algorithm_uri=_read_algorithm(algorithm),
        value=read_base64(value),
        references=tuple(_read_reference(each, rules) for each in references),
        key_info=key_info,
    )


def need(parent: etree._Element, names: tuple[str, ...]) -> list[etree._Element]:
    """Return the children, which must be exactly these elements of XML-DSig."""
    children = list(parent)
    if tuple([child.tag for child in children]) != _tags(names):
        raise MalformedMessage(f"{etree.QName(parent).localname} is not built as it must be")
    return children


@lru_cache(maxsize=64)
def _tags(names: tuple[str, ...]) -> tuple[str, ...]:
    """A signature has few shapes."""
    return tuple(f"{{{DS}}}{name}" for name in names)


def read_base64(element: etree._Element) -> bytes:
    """Return the octets of an element; raise MalformedMessage. Line ends may be `&#13;` too."""
    text = "".join((element.text or "").split())
    if text and len(element) == 0:
        with suppress(ValueError):
            return binascii.a2b_base64(text, strict_mode=True)
    raise MalformedMessage(f"{etree.QName(element).localname} is not base64")


def _need_signed_info(signed_info: etree._Element) -> list[etree._Element]:
    count = len(signed_info) - 2
    if count > _MOST_REFERENCES:
        raise MalformedMessage(f"more than {_MOST_REFERENCES} references")
    return need(
        signed_info,
        ("CanonicalizationMethod", "SignatureMethod", *["Reference"] * max(count, 1)),
    )


def _read_reference(reference: etree._Element, rules: Rules) -> Reference:
    children = list(reference)
    if len(children) == 2 and () in rules.chains:
        method, value = need(reference, ("DigestMethod", "DigestValue"))
        steps: list[etree._Element] = []
    else:
        transforms, method, value = need(reference, ("Transforms", "DigestMethod", "DigestValue"))
        steps = list(transforms)
        need(transforms, ("Transform",) * len(steps))
    if not _ATTRIBUTES.issuperset(reference.keys()):
        raise MalformedMessage("a reference has an unknown attribute")
    chain = tuple(step.get("Algorithm", "") for step in steps)
    if chain not in rules.chains:
        raise MalformedMessage("a transform is not admitted")
    return Reference(
        uri=_read_uri(reference.get("URI"), rules),
        chain=chain,
        prefixes=_read_steps(steps),
        digest_uri=_read_algorithm(method),
        digest_value=read_base64(value),
    )


def _read_uri(uri: str | None, rules: Rules) -> str | None:
    if _reach(uri) not in rules.reach:
        raise MalformedMessage("a reference leads out of what may be signed")
    return uri


def _reach(uri: str | None) -> Reach | None:
    if uri is None:
        return Reach.BESIDE
    if uri == "":
        return Reach.WHOLE
    return Reach.PART if uri.startswith("#") and len(uri) > 1 else None


def _read_steps(steps: list[etree._Element]) -> tuple[str, ...]:
    """Return the PrefixList of the canonicalisation; no other transform has a parameter."""
    prefixes: tuple[str, ...] = ()
    for step in steps:
        if step.get("Algorithm") in IS_EXCLUSIVE:
            prefixes = _read_prefixes(step)
        elif len(step):
            raise MalformedMessage("a transform has an unknown parameter")
    return prefixes


def _read_prefixes(method: etree._Element) -> tuple[str, ...]:
    """Return the PrefixList of an exclusive canonicalisation (RFC 3741 §4)."""
    if len(method) == 0:
        return ()
    inclusive = method[0]
    if (
        len(method) > 1
        or not IS_EXCLUSIVE[method.get("Algorithm", "")]
        or inclusive.tag != f"{{{EXCLUSIVE}}}InclusiveNamespaces"
    ):
        raise MalformedMessage("a canonicalisation has an unknown parameter")
    prefixes = tuple(inclusive.get("PrefixList", "").split())
    if len(prefixes) > _MOST_PREFIXES:
        raise MalformedMessage(f"a PrefixList has more than {_MOST_PREFIXES} names")
    return prefixes


def _read_algorithm(method: etree._Element) -> str:
    """Return the URI; parameters such as HMACOutputLength are refused."""
    if len(method):
        raise MalformedMessage("an algorithm has an unknown parameter")
    return method.get("Algorithm", "")
