"""File names of centres' pages: plain, unlike each other on every system, and never outside their folder."""

import re

from laktasi.report.centre_files import centre_files

CODES = [
    "7102010",
    "contoh_01",
    "P-1",
    "p-1",
    "../up",
    "a/b",
    "a-b",
    "CON",
    "con",
    "nul",
    "com1",
    "é",
    "e",
    "",
    "x" * 300,
]


def test_a_plain_code_is_its_own_name() -> None:
    names = centre_files(CODES)
    assert (names["7102010"], names["contoh_01"], names["a-b"]) == ("7102010.html", "contoh_01.html", "a-b.html")


def test_names_differ_whatever_the_case_and_hold_nothing_but_a_name() -> None:
    names = centre_files(CODES)
    assert len({name.casefold() for name in names.values()}) == len(CODES)
    for name in names.values():
        assert re.fullmatch(r"[A-Za-z0-9_-]*(\.[0-9a-f]{12})?\.html", name)
        assert len(name) < 100
        # Windows keeps these for itself, whatever follows the dot.
        assert name.split(".")[0].casefold() not in {"con", "nul", "com1"}


def test_names_do_not_depend_on_the_order_of_codes() -> None:
    assert centre_files(CODES) == centre_files(CODES[::-1])
