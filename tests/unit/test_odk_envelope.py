"""What a document says of itself, read without believing it."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from laktasi.odk.envelope import MAX_BYTES, Envelope, FormHead, RefusedError, read_document, read_envelope
from tests.phones import payload, xform

WHOLE = payload("uuid:1")
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    '<data id="visit"><meta><instanceID>&b;</instanceID></meta></data>'
)


def meta(inner: str, *, root: str = 'id="f"') -> bytes:
    return f"<data {root}>{inner}</data>".encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_reads_an_edit_in_any_encoding_that_it_declares(encoding: str) -> None:
    edit = payload("uuid:é2", deprecated_id="uuid:é1", encoding=encoding)
    assert read_envelope(edit) == Envelope("visit", "3", "uuid:é2", "uuid:é1")


@pytest.mark.parametrize(
    "inner",
    [
        "<meta><instanceID> x1 </instanceID></meta>",
        '<meta xmlns="http://openrosa.org/xforms"><instanceID>x1</instanceID></meta>',
        '<n:meta xmlns:n="http://openrosa.org/xforms"><n:instanceID>x1</n:instanceID></n:meta>',
        "<meta><instanceID>x<!-- split -->1</instanceID><deprecatedID/></meta>",
        "<group><meta><instanceID>other</instanceID></meta></group><meta><instanceID>x1</instanceID></meta>",
        "<meta><audit/><instanceID>x1</instanceID></meta><meta><instanceID>second</instanceID></meta>",
    ],
)
def test_finds_the_instance_id_in_meta(inner: str) -> None:
    assert read_envelope(meta(inner)) == Envelope("f", "", "x1", None)


def test_meta_may_share_the_namespace_of_the_root_but_not_a_foreign_one() -> None:
    own = meta("<meta><instanceID>x1</instanceID></meta>", root='xmlns="urn:form" id="f"')
    assert read_envelope(own).instance_id == "x1"
    foreign = meta('<meta xmlns="urn:other"><instanceID>x1</instanceID></meta>')
    with pytest.raises(RefusedError, match="no instanceID"):
        read_envelope(foreign)


def test_takes_the_servers_id_only_where_the_payload_has_none() -> None:
    assert read_envelope(meta("<age>3</age>"), known_as="invented").instance_id == "invented"
    assert read_envelope(WHOLE, known_as="invented").instance_id == "uuid:1"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b"", "empty"),
        (b" \n\t", "empty"),
        (WHOLE[:-1], "torn"),
        (WHOLE[: len(WHOLE) // 2], "torn"),
        (WHOLE[:-9] + b"\0" * 9, "not XML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "not XML"),
        (b"PK\x03\x04", "not XML"),
        (BOMB.encode(), "entities"),
        (BOMB.encode("utf-16"), "entities"),
        (b'<!DOCTYPE data SYSTEM "http://127.0.0.1/x"><data id="f"/>', "document type"),
        (meta("<meta><instanceID>&undefined;</instanceID></meta>"), "not XML: undefined entity, line 1"),
        (WHOLE.replace(b"utf-8", b"martian"), "encoding"),
        (WHOLE.replace(b"utf-8", b"base64"), "encoding"),
        (b"<svg/>", "names no form"),
        (meta("<meta><instanceID>x</instanceID></meta>", root='id=" "'), "names no form"),
        (meta("<meta><instanceID> </instanceID></meta>"), "no instanceID"),
        (meta("<instanceID>x</instanceID>"), "no instanceID"),
        (meta(f"<meta><instanceID>{'x' * 501}</instanceID></meta>"), "longer than 500"),
        (meta("<meta><instanceID>x\n1</instanceID></meta>"), "cannot be seen"),
        (meta("<a>" * 100 + "</a>" * 100), "deep"),
        (meta("<a/>" * 200_001), "elements"),
        (xform(), "a form, not a submission"),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"><head/><body/></html>', "web page"),
        (meta("<meta><instanceID>x</instanceID></meta>", root='id="f" encrypted="yes"'), "encrypted"),
    ],
)
def test_refuses_in_one_line(document: bytes, reason: str) -> None:
    with pytest.raises(RefusedError, match=reason) as caught:
        read_envelope(document)
    assert "\n" not in caught.value.reason


def test_refuses_by_size_before_it_parses() -> None:
    with pytest.raises(RefusedError, match="larger than 16 MB"):
        read_envelope(WHOLE + b" " * MAX_BYTES)


def test_a_reason_never_quotes_the_document() -> None:
    secret = "Siti"
    for torn in (f"<data id='f'>&{secret};</data>", f"<data id='f'><{secret}></x></data>", f"<{secret} id='f'>"):
        with pytest.raises(RefusedError) as caught:
            read_envelope(torn.encode())
        assert secret not in caught.value.reason


def test_reads_the_head_of_a_form() -> None:
    assert read_document(xform("visit", "2026.1")) == FormHead("visit", "2026.1")


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(WHOLE)), st.binary(max_size=6))
def test_damage_anywhere_is_refused_or_read_but_never_crashes(at: int, damage: bytes) -> None:
    damaged = WHOLE[:at] + damage + WHOLE[at + len(damage) :]
    try:
        said = read_envelope(damaged).instance_id
    except RefusedError as refusal:
        said = refusal.reason
    assert re.fullmatch(r"[^\n]+", said)
