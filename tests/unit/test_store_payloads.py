"""A submission's XML becomes rows of text, exactly as it was written."""

from __future__ import annotations

import dataclasses
import re

import pytest
from defusedxml.common import DefusedXmlException

from laktasi.questionnaire.xform import parse
from laktasi.store import payloads
from laktasi.store.payloads import Layout, layout_of, read_payloads
from tests.warehouse_fixture import form, payload

INFANTS = (
    "<infants><infant_name>A</infant_name><feeds><at>07:00</at></feeds><feeds><at>08:00</at></feeds></infants>"
    "<infants><infant_weight>3.1</infant_weight></infants>"
    "<infants><feeds><at>09:00</at></feeds></infants>"
)


@pytest.fixture(scope="module")
def layout() -> Layout:
    return layout_of(parse(form().xform, {}))


def read(layout: Layout, xml: bytes) -> tuple[dict[str, str | None], list[str]]:
    """Give the form's own row, and the unknown paths."""
    rows = read_payloads(layout, [("uuid:1", xml)])
    return dict(zip(layout.tables[0].columns, rows.tables[0][0], strict=True)), [path for _, path in rows.unknown]


def test_values_are_as_written_and_empty_ones_are_none(layout: Layout) -> None:
    row, unknown = read(
        layout,
        payload(
            "<mother><name> Siti &amp; \n Ani </name><age/></mother><weight> </weight><consent></consent>",
            instance="uuid:1",
        ),
    )
    assert row["mother__name"] == " Siti & \n Ani "
    assert row["weight"] == " "
    assert row["mother__age"] is row["consent"] is row["massage"] is None
    assert row["meta__instanceID"] == "uuid:1"
    assert row["_submission_id"] == "uuid:1"
    assert row["_form_version"] == "1"
    assert unknown == []


def test_rows_of_repeats_know_their_place(layout: Layout) -> None:
    rows = read_payloads(layout, [("uuid:1", payload(INFANTS, instance="uuid:1"))])
    assert [table.name for table in layout.tables] == ["visit", "visit__infants", "visit__infants__feeds"]
    assert rows.tables[1] == [
        ["uuid:1", "1", "", "1", "A", None],
        ["uuid:1", "2", "", "1", None, "3.1"],
        ["uuid:1", "3", "", "1", None, None],
    ]
    assert rows.tables[2] == [
        ["uuid:1", "1.1", "1", "1", "07:00"],
        ["uuid:1", "1.2", "1", "1", "08:00"],
        ["uuid:1", "3.1", "3", "1", "09:00"],
    ]


def test_what_the_form_does_not_have_is_named(layout: Layout) -> None:
    row, unknown = read(
        layout,
        payload(
            "<mother><age>25</age><age>26</age><hobby>x</hobby></mother><extra><deep>1</deep></extra>"
            "<massage><minutes>5</minutes></massage><infants><pet>1</pet></infants><infants><pet>2</pet></infants>",
            instance="uuid:1",
            deprecated="uuid:0",
        ),
    )
    assert unknown == ["extra", "infants/pet", "massage/minutes", "mother/age[2]", "mother/hobby"]
    assert row["mother__age"] == "25"
    assert row["massage"] is None


def test_namespaces_do_not_count(layout: Layout) -> None:
    xml = b'<data xmlns="https://x.example" id="visit" version="1"><mother><age>25</age></mother></data>'
    assert read(layout, xml)[0]["mother__age"] == "25"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_any_encoding_gives_the_same(layout: Layout, encoding: str) -> None:
    xml = f"<?xml version='1.0' encoding='{encoding}'?><data><mother><name>José</name></mother></data>".encode(encoding)
    assert read(layout, xml)[0]["mother__name"] == "José"


def test_comments_and_cdata_are_read_as_xml_says(layout: Layout) -> None:
    row, unknown = read(layout, b"<data><mother><name><![CDATA[a<b]]></name><!-- x --></mother></data>")
    assert (row["mother__name"], unknown) == ("a<b", [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp037"])
def test_entities_are_refused_in_any_encoding(layout: Layout, encoding: str) -> None:
    bomb = '<!DOCTYPE data [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><data><weight>&b;</weight></data>'
    if encoding == "cp037":  # what expat cannot see in the first bytes it takes from the declaration
        xml = b"<?xml version='1.0' encoding='cp037'?>" + bomb.encode("cp037")
    else:
        xml = f"<?xml version='1.0' encoding='{encoding}'?>{bomb}".encode(encoding)
    with pytest.raises((DefusedXmlException, SyntaxError, ValueError)):
        read(layout, xml)


PLAIN = (
    "<mother><name>A</name><age>25</age></mother><consent>yes</consent>" + INFANTS,
    "<mother><name></name><age>25</age></mother><consent/>" + INFANTS,
    "<mother>\n  <name> A\tb\n</name>\n</mother>\n",
    "<consent a='1'>yes</consent><weight >1</weight ><signs>José 😀</signs>",
    "<mother><age/><age>25</age></mother>",
)
AWKWARD = (
    "<mother><name>A &lt;b&gt; &#65;</name></mother>",
    "<mother><name>a > b</name></mother>",
    "<mother><name>A\r\nB</name></mother>",
    "<mother><name><![CDATA[<age>7</age>]]></name></mother>",
    "<mother><name>A<!-- <b> -->B</name></mother>",
    "<mother><name>A<?b c?>B</name></mother>",
    "<mother><name a='x>y'>A</name><age b='>'/></mother>",
    "<mother><age>25</age><age>26</age></mother>",
    "<mother><age></age><age>26</age></mother>",
    "<mother><name>A<b/>B</name><hobby>x</hobby></mother>",
)


@pytest.mark.parametrize("answers", PLAIN + AWKWARD)
def test_a_payload_that_is_split_gives_what_parsing_gives(layout: Layout, answers: str) -> None:
    layout = dataclasses.replace(layout, shapes={})
    # with the same tags first, so that what is learnt there is used here
    others = re.sub(">[^<>]+<", ">other<", answers)
    parsed = read_payloads(layout, [("uuid:1", payload(answers, instance="uuid:1").replace(b"?>", b"?><!-- -->", 1))])
    assert not any(layout.shapes.values())
    first, second = (payload(text, instance="uuid:1") for text in (others, answers))
    split = read_payloads(layout, [("uuid:0", first), ("uuid:1", second)])
    assert [[row for row in rows if row[0] == "uuid:1"] for rows in split.tables] == parsed.tables
    assert [found for found in split.unknown if found[0] == "uuid:1"] == parsed.unknown
    if answers in PLAIN:
        assert any(layout.shapes.values())


def test_tags_are_remembered_up_to_a_number(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payloads, "MAX_SHAPES", 1)
    layout = dataclasses.replace(layout, shapes={})
    assert read(layout, payload("<weight>1</weight>", instance="uuid:1"))[0]["weight"] == "1"
    assert read(layout, payload("<signs>wet</signs>", instance="uuid:1"))[0]["signs"] == "wet"
    assert read(layout, payload("<weight>2</weight>", instance="uuid:1"))[0]["weight"] == "2"
    assert len(layout.shapes) == 1


def test_another_layout_has_another_digest(layout: Layout) -> None:
    questionnaire = parse(form().xform, {})
    assert layout_of(questionnaire).digest == layout.digest
    renamed = tuple(dataclasses.replace(field, column=f"{field.column}_x") for field in questionnaire.fields)
    assert layout_of(dataclasses.replace(questionnaire, fields=renamed)).digest != layout.digest
