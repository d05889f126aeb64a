"""A small study, whole: a project folder and a phone's folder, for tests of everything that joins rooms."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from laktasi.questionnaire.xlsform import convert_markdown

VERSION = "1"
FORM = """
| survey | | | | | | | | |
| | type | name | label::Indonesia (id)|label::English (en)| required | relevant | constraint | bind::laktasi:privacy|
| | today | today | | | | | | none |
| | select_one yes_no | agrees | Setuju? | Agrees? | yes | | | none |
| | select_one house | house | Rumah | House | yes | | | none |
| | select_one taster | taster | Pencicip | Taster | yes | | | none |
| | text | code | Kode | Code | yes | ${agrees} = 'yes' | | quasi |
| | text | name | Nama | Name | | ${agrees} = 'yes' | | direct |
| | integer | age | Umur | Age | yes | ${agrees} = 'yes' | . >= 18 and . <= 99 | quasi |
| | select_one yes_no | milk | Susu? | Milk? | yes | ${agrees} = 'yes' | | none |
| | select_one cups | cups | Cangkir | Cups | yes | ${agrees} = 'yes' | | none |
{extra}
| | begin repeat | pot | Teko | Pot | | ${agrees} = 'yes' | | |
| | integer | size | Isi | Size | | | . > 0 | none |
| | end repeat | | | | | | | |
| choices | | | | |
| | list_name | name | label::Indonesia (id) | label::English (en) |
| | yes_no | yes | Ya | Yes |
| | yes_no | no | Tidak | No |
| | house | h1 | Rumah Satu | House One |
| | house | h2 | Rumah Dua | House Two |
| | house | h3 | Rumah Tiga | House Three |
| | taster | t1 | P1 | T1 |
| | taster | t2 | P2 | T2 |
| | cups | few | Sedikit | Few |
| | cups | some | Cukup | Some |
| | cups | many | Banyak | Many |
| settings | | | | |
| | form_id | version | default_language | namespaces |
| | tea | {version} | Indonesia (id) | laktasi="urn:laktasi:privacy" |
"""
STUDY = """
study: tea
title: {id: Teh, en: Tea}
form: tea
roles: {centre: house, enumerator: taster, subject: code, consent: {question: agrees, value: "yes"}}
variables:
  milk: {question: milk, levels: ["no", "yes"]}
  cups: {question: cups, levels: [few, some, many]}
analyses: [{exposure: milk, outcome: cups}]
tables: [milk, cups]
"""
CHECKS = """
checks:
  - id: one_code_once
    kind: unique
    questions: [code]
    severity: error
    message: {id: Kode ganda., en: The code came twice.}
"""
SECRET = "Siti Rahasia Sekali"
"""The name that every sample person gives: it must not be found anywhere but in the private warehouse."""

Answers = Mapping[str, object]


def make_project(root: Path, *, extra: str = "", version: str = VERSION, study: str | None = STUDY) -> Path:
    """Make a project folder; `extra` is further rows of the survey sheet."""
    fielded = root / "xlsforms" / "fielded"
    fielded.mkdir(parents=True, exist_ok=True)
    converted = convert_markdown(FORM.replace("{extra}\n", extra and extra + "\n").replace("{version}", version))
    (fielded / f"tea-{version}.xml").write_bytes(converted.xform)
    (root / "schemas").mkdir(exist_ok=True)
    (root / "schemas" / "checks.yml").write_text(CHECKS if study else "checks: []\n", encoding="utf-8")
    if study:
        (root / "schemas" / "study.yml").write_text(study, encoding="utf-8")
    return root


def person(number: int, **changed: object) -> dict[str, object]:
    """Give the answers of one sample person, all of them good; None takes an answer away."""
    answers: dict[str, object] = {
        "today": "2026-11-02",
        "agrees": "yes",
        "house": ("h1", "h2", "h3")[number % 3],
        "taster": ("t1", "t2")[number % 2],
        "code": f"K{number:04d}",
        "name": SECRET,
        "age": 20 + number % 50,
        "milk": ("no", "yes")[number // 3 % 2],
        "cups": ("few", "some", "many")[(number // 3 % 2) + (number // 6 % 2)],
        "pot": [{"size": 1 + number % 4}] * (number % 3),
    }
    return {key: value for key, value in (answers | changed).items() if value is not None}


def xml(answers: Answers, instance_id: str, *, deprecated_id: str | None = None, version: str = VERSION) -> str:
    """Write a submission as Collect does."""
    deprecated = f"<orx:deprecatedID>{deprecated_id}</orx:deprecatedID>" if deprecated_id else ""
    return (
        f'<?xml version="1.0"?><data id="tea" version="{version}" xmlns:orx="http://openrosa.org/xforms">'
        f"{_nodes(answers)}<orx:meta><orx:instanceID>{instance_id}</orx:instanceID>{deprecated}</orx:meta></data>"
    )


def _nodes(answers: Answers) -> str:
    written = []
    for name, value in answers.items():
        if isinstance(value, list):
            written += [f"<{name}>{_nodes(instance)}</{name}>" for instance in value]
        else:
            written.append(f"<{name}>{escape(str(value))}</{name}>")
    return "".join(written)


def put(phone: Path, instance: str, text: str) -> Path:
    """Put a submission into a phone's folder, with a file beside it."""
    folder = phone / "instances" / instance
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{instance}.xml").write_text(text, encoding="utf-8")
    (folder / "photo.jpg").write_bytes(instance.encode())
    return folder


def fill_phone(phone: Path, people: int) -> Path:
    """Put `people` good submissions into a phone's folder."""
    for number in range(people):
        put(phone, f"Tea_{number:04d}", xml(person(number), f"uuid:tea-{number:04d}"))
    return phone
