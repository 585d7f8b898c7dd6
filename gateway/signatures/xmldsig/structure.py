"""Finds the signatures of a document and what each of them is over, and refuses what is unclear.

Signature wrapping lives on ambiguity: two equal ids, a signature in an odd place, one inside what
it does not say it is inside of.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lxml import etree

from gateway.errors import MalformedMessage
from gateway.signatures.xml.ids import Ids, index_ids
from gateway.signatures.xml.names import ENVELOPED, SIGNATURE
from gateway.signatures.xml.signature import Reach, Reference, Signature, read_signature
from gateway.signatures.xmldsig.profile import Profile

_MOST_SIGNERS: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What a reference is over; `element` is None for content beside the signature."""

    reference: Reference
    element: etree._Element | None
    name: str
    """`""` for the whole document, `#id` for one element, or `beside`."""


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A signature with what it is over."""

    signature: Signature
    targets: tuple[Target, ...]


def find_signatures(root: etree._Element, profile: Profile, *, beside: bool) -> list[Found]:
    """Return every signature of a document, in its order; raise MalformedMessage.

    `beside` says that the content is given apart: the document then holds signatures alone.
    """
    elements = [one for one in root.iter(SIGNATURE) if not _is_inside(one, SIGNATURE)]
    if len(elements) > _MOST_SIGNERS:
        raise MalformedMessage(f"more than {_MOST_SIGNERS} signatures")
    signatures = [read_signature(each, profile.rules) for each in elements]
    references = [reference for each in signatures for reference in each.references]
    ids = index_ids(root) if any(each.uri for each in references) else Ids({})
    found = [Found(each, _find_targets(each, root, ids)) for each in signatures]
    for each in found:
        _need_place(each, root, profile, beside=beside)
    if sum(ENVELOPED in each.chain for each in references) > 1 and not profile.peeling:
        raise MalformedMessage("two signatures stand inside what they sign")
    return found


def _is_inside(element: etree._Element, tag: str) -> bool:
    return next(element.iterancestors(tag), None) is not None


def _find_targets(signature: Signature, root: etree._Element, ids: Ids) -> tuple[Target, ...]:
    targets = tuple(
        _find_target(reference, signature, root, ids) for reference in signature.references
    )
    if len({target.name for target in targets}) != len(targets):
        raise MalformedMessage("two references name one thing")
    return targets


def _find_target(
    reference: Reference, signature: Signature, root: etree._Element, ids: Ids
) -> Target:
    """Return what the reference is over; it must say truly whether the signature is inside."""
    if reference.uri is None:
        element, name = None, Reach.BESIDE.value
    else:
        element = ids.find(reference.uri) if reference.uri else root
        name = reference.uri
    inside = element is not None and element in signature.element.iterancestors()
    if inside != (ENVELOPED in reference.chain):
        raise MalformedMessage("a reference does not say whether its signature is inside")
    return Target(reference, element, name)


def _need_place(found: Found, root: etree._Element, profile: Profile, *, beside: bool) -> None:
    """Refuse a signature where the profile has none, and one that is not over what was given."""
    element = found.signature.element
    if beside:
        alone = element is root or all(child.tag == SIGNATURE for child in root)
        if not alone or any(target.element is not None for target in found.targets):
            raise MalformedMessage("the signature is not over the content beside it")
    elif profile.peeling and element.getparent() is not root:
        raise MalformedMessage("a signature is not in its place")
