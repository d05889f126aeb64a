"""Whether the files that choices come from can be used as the form uses them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from defusedxml.ElementTree import fromstring

from laktasi.questionnaire.choices import names_a_text
from laktasi.questionnaire.controls import Itemset, read_body
from laktasi.questionnaire.lists import local, media_items


def unusable_lists(xform: bytes, media: Mapping[str, bytes]) -> list[str]:
    """Say of each file that a select offers choices from why the phone would show none of them, or blanks.

    A file that is not at hand is another matter. What only expressions look up is not looked at: it may lack anything.

    Parameters
    ----------
    xform
        A form that could be read, with these media.
    media
        The files beside it: name to content.
    """
    document = fromstring(xform, forbid_dtd=True)
    model = next(item for item in document.iter() if local(item) == "model")
    shown = next(item for item in document.iter() if local(item) == "body")
    instances = [item for item in model if local(item) == "instance"]
    file_of = {item.get("id", ""): item.get("src", "").rpartition("/")[2] for item in instances[1:]}
    body = read_body(shown, f"/{local(instances[0][0])}")
    found: dict[str, None] = {}
    for control in body.questions.values():
        itemset = control.itemset
        file = file_of.get(itemset.instance or "") if itemset else None
        if itemset and file and file in media:
            found |= dict.fromkeys(_wrong(file, media[file], itemset))
    return list(found)


def _wrong(file: str, content: bytes, itemset: Itemset) -> Iterator[str]:
    items = media_items(file, content)
    if not items:
        yield f"media {file!r} has no rows: its choices would be empty on the phone"
        return
    columns = [itemset.value]
    # Collect shows a feature of a map without a title too; a form may take the label from its own texts.
    if itemset.label and not names_a_text(itemset.label) and not file.lower().endswith(".geojson"):
        columns.append(itemset.label)
    for column in columns:
        lacking = sum(not item.get(column, "").strip() for item in items)
        if not any(column in item for item in items):
            there = ", ".join(dict.fromkeys(name for item in items for name in item))
            yield f"media {file!r} has no column {column!r}, which its choices are made of (it has: {there})"
        elif lacking:
            yield f"media {file!r}: {lacking} of {len(items)} rows have nothing in the column {column!r}"
