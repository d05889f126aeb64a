"""What goes wrong in the field, planted on purpose: each fault is one kind of finding at one known place.

The phone refuses most of these; they come from edits, inserts through a server's interface, old form versions and
broken cards. So they are made by changing the XML that the engine wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from tests.engine.mothers import study_code
from tests.engine.visits import VERSION, Visit


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault in a submission."""

    name: str
    kind: str
    """Of the finding: type, required, relevant, constraint, choice, calculation, unknown_node."""
    field: str
    """Path of the field at which it must be found."""
    change: Callable[[bytes], bytes]
    fits: Callable[[Visit], bool] = lambda visit: True
    count: int = 2


def set_value(node: str, text: str) -> Callable[[bytes], bytes]:
    """Give a change that puts a text into a node that stands once in the submission."""

    def change(xml: bytes) -> bytes:
        changed, times = re.subn(rf"<{node}(?: /|>[^<]*</{node})>".encode(), f"<{node}>{text}</{node}>".encode(), xml)
        return _once(changed, times, node)

    return change


def drop(node: str) -> Callable[[bytes], bytes]:
    """Give a change that takes a node away."""

    def change(xml: bytes) -> bytes:
        changed, times = re.subn(rf"<{node}(?: /|>[^<]*</{node})>".encode(), b"", xml)
        return _once(changed, times, node)

    return change


def insert(before: str, text: str) -> Callable[[bytes], bytes]:
    """Give a change that puts XML before the start of a node."""

    def change(xml: bytes) -> bytes:
        changed, times = re.subn(rf"(<{before}[ >])".encode(), text.encode() + rb"\1", xml)
        return _once(changed, times, before)

    return change


def both(*changes: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Give a change that does several."""

    def change(xml: bytes) -> bytes:
        for one in changes:
            xml = one(xml)
        return xml

    return change


def _once(changed: bytes, times: int, node: str) -> bytes:
    assert times == 1, f"{node} stands {times} times"
    return changed


def _code_in(xml: bytes) -> bytes:
    found = re.search(rb"<study_code>([0-9]{10})</study_code>", xml)
    assert found
    return found[1]


def _answered(path: str, value: object) -> Callable[[Visit], bool]:
    return lambda visit: visit.answers.get(path) == value


def _massaged(visit: Visit) -> bool:
    return visit.answers["massage/performed"] == "yes"


WRONG_CODE = f"{study_code(99_000_001)[:-2]}00"
"""Its check digits do not fit."""

FAULTS = (
    Fault("text_in_a_number", "type", "infant/weight", set_value("weight", "tiga kilo")),
    Fault("fraction_in_an_integer", "type", "massage/minutes", set_value("minutes", "12,5"), _massaged),
    Fault("required_answer_emptied", "required", "mother/education", set_value("education", "")),
    Fault("required_node_missing", "required", "obstetric/delivery_mode", drop("delivery_mode")),
    Fault(
        "answer_where_none_was_asked",
        "relevant",
        "massage/provider",
        insert("taught_today", "<provider>husband</provider>"),
        lambda visit: not _massaged(visit) and "screening/stop_read" not in visit.answers,
    ),
    Fault("minutes_out_of_range", "constraint", "massage/minutes", set_value("minutes", "600"), _massaged),
    Fault(
        "age_out_of_range",
        "constraint",
        "mother/age",
        both(set_value("age", "7"), set_value("age_group", "under_20")),
    ),
    Fault(
        "check_digits_wrong",
        "constraint",
        "mother/code_typed",
        lambda xml: xml.replace(_code_in(xml), WRONG_CODE.encode()),
        _answered("mother/code_entry", "type"),
        count=1,
    ),
    Fault(
        "born_after_the_visit",
        "constraint",
        "infant/birth_date",
        both(set_value("birth_date", "2026-12-24"), set_value("days_postpartum", "{days}")),
    ),
    Fault("unknown_choice", "choice", "massage/provider", set_value("provider", "nenek"), _massaged),
    Fault("unknown_choice_among_several", "choice", "massage/harm", set_value("harm", "pain gatal"), _massaged),
    Fault("unknown_centre", "choice", "visit/centre", set_value("centre", "puskesmas_baru"), count=1),
    Fault("days_miscounted", "calculation", "infant/days_postpartum", set_value("days_postpartum", "399")),
    Fault("category_of_another_cut", "calculation", "milk/production", set_value("production", "{other}")),
    Fault(
        "age_group_wrong",
        "calculation",
        "mother/age_group",
        set_value("age_group", "over_35"),
        lambda visit: int(str(visit.answers["mother/age"])) <= 35,
    ),
    Fault("node_of_no_version", "unknown_node", "mother/nickname", insert("education", "<nickname>Contoh</nickname>")),
)

WAITING = "unknown_form_version"
"""The form of such a submission was never fielded, so nothing can be checked yet."""


def apply(fault: Fault, visit: Visit, xml: bytes) -> bytes:
    """Plant a fault, filling in what depends on the visit."""
    changed = fault.change(xml)
    if b"{days}" in changed:
        days = (visit.start.date() - date(2026, 12, 24)).days
        changed = changed.replace(b"{days}", str(days).encode())
    if b"{other}" in changed:
        found = re.search(rb"<production>([a-z_]+)</production>", xml)
        assert found
        changed = changed.replace(b"{other}", b"good" if found[1] != b"good" else b"not_enough")
    return changed


def make_unknown_version(xml: bytes) -> bytes:
    """Say that the form had a version that nobody ever fielded."""
    return _once(*re.subn(f'version="{VERSION}"'.encode(), b'version="2026083001"', xml), "version")


TORN = "torn"
REFUSED_FILES = {
    "empty": b"",
    "foreign": b"<?xml version='1.0' encoding='utf-8'?>\n<map><string name=\"app_language\">in</string></map>\n",
    "entity_bomb": (
        b'<?xml version="1.0"?>\n<!DOCTYPE data [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(f'<!ENTITY {b} "{f"&{a};" * 10}">'.encode() for a, b in zip("abcdefgh", "bcdefghi", strict=True))
        + b']>\n<data id="postpartum_visit" version="'
        + VERSION.encode()
        + b'"><consent><given>&i;</given></consent></data>\n'
    ),
    "noise": bytes((position * 73 + 41) % 256 for position in range(4096)),
    "web_page": b"<!DOCTYPE html><html><head><title>Wi-Fi login</title></head><body><p>Sign in</body></html>\n",
}
"""Files that lie among the instances and can be no submission, by what is wrong with them."""

OTHER_FORM = (
    b"<?xml version='1.0' encoding='UTF-8' ?><data id=\"stok_obat\" version=\"3\"><obat>contoh</obat>"
    b"<meta><instanceID>uuid:7a2d2b0e-4f0e-4c7e-9b0a-5a5a5a5a5a5a</instanceID></meta></data>"
)
"""A good submission of a form that nobody gave us."""
