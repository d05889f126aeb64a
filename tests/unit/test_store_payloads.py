"""A submission's XML becomes rows of text, exactly as it was written."""

from __future__ import annotations

import dataclasses

import pytest
from defusedxml.common import DefusedXmlException

from laktasi.questionnaire.xform import parse
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


def test_another_layout_has_another_digest(layout: Layout) -> None:
    questionnaire = parse(form().xform, {})
    assert layout_of(questionnaire).digest == layout.digest
    renamed = tuple(dataclasses.replace(field, column=f"{field.column}_x") for field in questionnaire.fields)
    assert layout_of(dataclasses.replace(questionnaire, fields=renamed)).digest != layout.digest
