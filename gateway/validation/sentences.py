"""What the structure tier says, in both languages; the table only says what and where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SENTENCES: Final[Mapping[str, Mapping[str, str]]] = {
    "missing": {
        "ru": "Здесь не хватает обязательного элемента: {named}.",
        "en": "A required element is missing here: {named}.",
    },
    "repeated": {
        "ru": "Этот элемент стоит здесь чаще, чем можно.",
        "en": "This element stands here more often than it may.",
    },
    "unexpected": {
        "ru": "Такого элемента на этом месте не бывает.",
        "en": "No such element may stand in this place.",
    },
    "order": {
        "ru": "Элемент стоит не на своём месте: порядок элементов задан схемой CDA.",
        "en": "The element is out of order: CDA prescribes the order.",
    },
    "text": {
        "ru": "Внутри этого элемента не может быть текста.",
        "en": "There can be no text inside this element.",
    },
    "text-missing": {
        "ru": "Элемент должен быть заполнен, пробелы не в счёт.",
        "en": "The element has to be filled in; blanks do not count.",
    },
    "text-form": {
        "ru": "Содержимое элемента записано не в той форме.",
        "en": "The content of the element has the wrong form.",
    },
    "null": {
        "ru": "Здесь нельзя отвечать «нет сведений»: nullFlavor не допускается.",
        "en": "«No information» is no answer here: nullFlavor is not allowed.",
    },
    "attribute-missing": {
        "ru": "Не заполнен обязательный атрибут {named}.",
        "en": "The required attribute {named} is not filled in.",
    },
    "attribute-value": {
        "ru": "Атрибут {named} может иметь только значение {wanted}.",
        "en": "The attribute {named} may only be {wanted}.",
    },
    "attribute-form": {
        "ru": "Атрибут {named} записан не в той форме.",
        "en": "The attribute {named} has the wrong form.",
    },
    "attribute-unexpected": {
        "ru": "У этого элемента нет такого атрибута.",
        "en": "This element has no such attribute.",
    },
}
"""By what is amiss."""

CODES: Final[Mapping[str, str]] = {
    "missing": "required",
    "repeated": "structure",
    "unexpected": "structure",
    "order": "structure",
    "text": "structure",
    "text-missing": "required",
    "text-form": "value",
    "null": "required",
    "attribute-missing": "required",
    "attribute-value": "value",
    "attribute-form": "value",
    "attribute-unexpected": "structure",
}
"""FHIR issue-type of each."""
