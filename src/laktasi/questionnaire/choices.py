"""Choice lists of a form, from its inline instances and its media."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from laktasi.questionnaire.controls import Body, Itemset
from laktasi.questionnaire.lists import Item, inline_items, local, media_items
from laktasi.questionnaire.model import Choice, ChoiceList, Texts
from laktasi.questionnaire.texts import Translations

_PULLDATA = re.compile(r"""pulldata\(\s*['"]([^'"]+)['"]""")
_OWN_LABEL = re.compile(r"\s*jr:itext\(\s*([\w.\-]+)\s*\)\s*$")


@dataclass(frozen=True, slots=True)
class ReadChoices:
    """The lists, which question offers which, and the media that the form names."""

    lists: Mapping[str, ChoiceList]
    list_of: Mapping[str, str]
    """List name by place of the question."""
    named_media: tuple[str, ...]


def read_choices(model: Element, body: Body, texts: Translations, files: Mapping[str, bytes]) -> ReadChoices:
    """Read every list of a form.

    A list is called as its instance. Where two questions read different columns of one instance as the value, each
    reading is a list of its own, the later one called ``<instance>.<column>``.
    """
    items: dict[str, tuple[Item, ...]] = {}
    source: dict[str, str] = {}
    for instance in [item for item in model if local(item) == "instance"][1:]:
        name = instance.get("id", "")
        address = instance.get("src", "")
        if not address:
            items[name] = inline_items(instance)
        elif address.startswith("jr://file"):
            source[name] = address.rpartition("/")[2]
    for expression in (value for element in model for value in element.attrib.values()):
        for name in _PULLDATA.findall(expression):
            source.setdefault(name, f"{name.removesuffix('.csv')}.csv")
    for name, file in source.items():
        items[name] = media_items(file, files[file]) if file in files else ()

    lists: dict[str, ChoiceList] = {}
    value_of: dict[str, str] = {}
    list_of: dict[str, str] = {}
    for place, control in body.questions.items():
        if control.items:
            lists[place] = _list(place, control.items, Itemset(None, None, "name", "jr:itext(itextId)"), texts, None)
            list_of[place] = place
        elif (itemset := control.itemset) and itemset.instance is not None and itemset.instance in items:
            own_value = value_of.setdefault(itemset.instance, itemset.value)
            name = itemset.instance if own_value == itemset.value else f"{itemset.instance}.{itemset.value}"
            if name not in lists:
                lists[name] = _list(name, items[itemset.instance], itemset, texts, source.get(itemset.instance))
            list_of[place] = name
    for name, rows in items.items():
        # looked up in expressions, offered by no question
        if name not in lists:
            value = "id" if source.get(name, "").endswith(".geojson") else "name"
            lists[name] = _list(name, rows, Itemset(name, None, value, None), texts, source.get(name))
    return ReadChoices(lists, list_of, tuple(dict.fromkeys([*source.values(), *texts.media()])))


def names_a_text(label: str) -> bool:
    """Say whether an itemset's label names a text of the form, and no column that holds the label itself."""
    return _OWN_LABEL.match(label) is not None


def _list(name: str, items: tuple[Item, ...], itemset: Itemset, texts: Translations, file: str | None) -> ChoiceList:
    choices = tuple(
        Choice(
            value=item.get(itemset.value, ""),
            labels=_labels(item, itemset.label, texts),
            properties={key: text for key, text in item.items() if key not in (itemset.value, "itextId")},
        )
        for item in items
    )
    return ChoiceList(name, choices, file, itemset.value)


def _labels(item: Item, label: str | None, texts: Translations) -> Texts:
    if label and (found := _OWN_LABEL.match(label)):
        key = item.get(found.group(1), "")
        # a choice written inside its control names the text itself
        return texts.of_reference(key) if key.startswith("jr:itext") else texts.by_id(key) or _plain(item, texts)
    text = item.get(label or "label", "")
    return {texts.languages[0]: text} if text else {}


def _plain(item: Item, texts: Translations) -> Texts:
    return {texts.languages[0]: item["label"]} if item.get("label") else {}
