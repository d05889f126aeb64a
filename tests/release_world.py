"""A made-up study to release: six places in two areas, large and small, with all that must not go out."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from xml.sax.saxutils import escape

from laktasi import pipeline
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.release.pseudonyms import salt_of
from laktasi.settings import Settings, read_settings
from laktasi.store.warehouse import open_research

SIZES = {"h1": 70, "h2": 60, "h3": 40, "h4": 30, "h5": 9, "h6": 5}
AREAS = {"h1": "north", "h2": "north", "h3": "south", "h4": "south", "h5": "south", "h6": "north"}
NAME, REMARK, DEVICE = "Siti Rahasia Sekali", "tetangga di rumah biru", "collect:PhoneXq7Phone"
OWN = ("house", "taster", "code", "name", "age", "school")
"""Questions that the form has in a group."""
FORM = """
| survey | | | | | | | | |
| | type | name | label::Indonesia (id)|label::English (en)| relevant | calculation | bind::laktasi:privacy|
| | today | today | | | | | none |
| | deviceid | deviceid | | | | | quasi |
| | select_one yes_no | agrees | Setuju? | Agrees? | | | none |
| | select_one area | area | Wilayah | Area | | | none |
| | begin_group | own | | | | | |
| | select_one house | house | Rumah | House | | | none |
| | select_one taster | taster | Pencicip | Taster | | | quasi |
| | text | code | Kode | Code | | | quasi |
| | text | name | Nama | Name | | | direct |
| | integer | age | Umur | Age | | | quasi |
| | select_one school | school | Sekolah | School | | | quasi |
| | end_group | | | | | | |
| | integer | children | Anak | Children | | | quasi |
| | text | first | Pertama? | First? | | if(${children} = 1, 'yes', 'no') | none |
| | select_one yes_no | helped | Dibantu? | Helped? | ${children} = 1 | | none |
| | date | born | Lahir | Born | | | quasi |
| | date | met | Bertemu | Met | | | quasi |
| | geopoint | place | Tempat | Place | | | quasi |
| | select_one yes_no | milk | **Susu?** | **Milk?** | | | none |
| | select_one cups | cups | Cangkir | Cups | | | none |
| | select_multiple spice | spices | Rempah | Spices | | | none |
| | decimal | sugar | Gula | Sugar | | | none |
| | text | remark | Catatan | Remark | | | none |
| choices | | | | |
| | list_name | name | label::Indonesia (id) | label::English (en) |
| | yes_no | yes | Ya | Yes |
| | yes_no | no | Tidak | No |
| | area | north | Utara | North |
| | area | south | Selatan | South |
| | house | h1 | Rumah Satu | House One |
| | house | h2 | Rumah Dua | House Two |
| | house | h3 | Rumah Tiga | House Three |
| | house | h4 | Rumah Empat | House Four |
| | house | h5 | Rumah Lima | House Five |
| | house | h6 | Rumah Enam | House Six |
| | taster | taster-71 | Bu Ani Rahasia | Mrs Ani Rahasia |
| | taster | taster-72 | Bu Ida Rahasia | Mrs Ida Rahasia |
| | school | 0 | Tidak sekolah | None |
| | school | 1 | SD | Primary |
| | school | 2 | SMP | Secondary |
| | cups | few | Sedikit | Few |
| | cups | some | Cukup | Some |
| | cups | many | Banyak | Many |
| | spice | ginger | Jahe | Ginger |
| | spice | clove | Cengkih | Clove |
| settings | | | | |
| | form_id | version | default_language | namespaces |
| | tea | 1 | Indonesia (id) | laktasi="urn:laktasi:privacy" |
"""
STUDY = """
study: tea
title: {id: Teh dan susu, en: Tea and milk}
form: tea
citation: Nobody (2026). Tea.
roles: {centre: house, enumerator: taster, subject: code, consent: {question: agrees, value: "yes"}}
variables:
  milk: {question: milk, levels: ["no", "yes"]}
  cups: {question: cups, levels: [few, some, many]}
  school: {question: school, levels: ["0", "1", "2"]}
analyses: [{exposure: milk, outcome: cups}]
tables: [milk, cups, school]
"""
RULE = """
k: 3
results: {at_least: 12}
treat:
  area: keep
  own/age: {band: [20, 30, 40]}
  own/school: keep
  children: keep
  first: category
  born: {shift: 60}
  met: {shift: 60}
suppress: [children, own/school, own/age]
"""
STEPS = ("forms", "phones", "declare", "decide", "read", "correct", "stand", "mart", "analyse", "close", "publish")
"""Of the way of a record: without the checks, which a release does not need."""


@dataclass(frozen=True)
class Person:
    """One made-up respondent."""

    instance: str
    answers: dict[str, str]


def people(seed: int = 7) -> list[Person]:
    """Draw the respondents."""
    draw = random.Random(seed)
    found: list[Person] = []
    for house, size in SIZES.items():
        for at in range(size):
            number = len(found)
            age, children = draw.randint(17, 45), draw.choice((1, 1, 2, 2, 3, 5))
            met = date(2026, 10, 1) + timedelta(days=draw.randint(0, 60))
            milk = at % 2
            answers = {
                "today": met.isoformat(),
                "deviceid": DEVICE,
                "agrees": "yes",
                "area": AREAS[house],
                "house": house,
                "taster": f"taster-{71 + number % 2}",
                "code": f"TEA-{number:04d}-Q",
                "name": NAME,
                "age": str(age) if number % 25 else "",
                "school": draw.choice("0112"),
                "children": str(children),
                "first": "yes" if children == 1 else "no",
                "helped": draw.choice(("yes", "no")) if children == 1 else "",
                "born": (met - timedelta(days=draw.randint(5, 300))).isoformat(),
                "met": met.isoformat(),
                "place": f"0.5{number:04d} 124.1{number:04d} 10 5",
                "milk": ("no", "yes")[milk],
                "cups": ("few", "some", "many")[(at // 2 + (at // 6 % 5 == 0) * milk) % 3],
                "spices": draw.choice(("", "ginger", "ginger clove")),
                "sugar": f"{draw.uniform(0, 5):.2f}",
                "remark": REMARK,
            }
            uuid = f"{draw.getrandbits(128):032x}"
            joined = "-".join((uuid[:8], uuid[8:12], uuid[12:16], uuid[16:20], uuid[20:]))
            found.append(Person(f"uuid:{joined}", answers))
    return found


def settings_of(
    root: Path, *, rule: str = RULE, study: str = STUDY, form: str = FORM, everybody: Sequence[Person] = ()
) -> Settings:
    """Make the project and its phone."""
    project = root / "project"
    (project / "xlsforms" / "fielded").mkdir(parents=True)
    (project / "schemas").mkdir()
    (project / "xlsforms" / "fielded" / "tea.xml").write_bytes(convert_markdown(form).xform)
    (project / "schemas" / "study.yml").write_text(study, encoding="utf-8")
    (project / "schemas" / "release.yml").write_text(rule, encoding="utf-8")
    phone = root / "phone"
    for person in everybody or people():
        folder = phone / "instances" / person.instance.removeprefix("uuid:")
        folder.mkdir(parents=True)
        nodes = [_node(*name.split("/"), value=value) for name, value in person.answers.items() if name not in OWN]
        own = [f"<{name}>{escape(person.answers[name])}</{name}>" for name in OWN]
        (folder / f"{folder.name}.xml").write_text(
            f'<data id="tea" version="1" xmlns:orx="http://openrosa.org/xforms">'
            f"{''.join(nodes)}<own>{''.join(own)}</own>"
            f"<orx:meta><orx:instanceID>{person.instance}</orx:instanceID></orx:meta></data>",
            encoding="utf-8",
        )
    return read_settings(project, phones=(phone,))


def _node(*names: str, value: str) -> str:
    return f"<{names[0]}>{_node(*names[1:], value=value) if names[1:] else escape(value)}</{names[0]}>"


def run(settings: Settings) -> None:
    """Bring the records into the research copy."""
    steps = [step for step in (*pipeline.SOURCES, *pipeline.WAY) if step.name in STEPS]
    unique = {step.name: step for step in steps}
    pipeline.walk(settings, [unique[name] for name in STEPS], door="cli")


def salt(settings: Settings, rule: object) -> str:
    """Give what the pseudonyms of a release by this rule come from, beside the key."""
    with open_research(settings.data_folder.research) as con:
        (run_id,) = con.execute("select run_id from meta.latest_run").fetchall()[0]
    return salt_of(run_id, rule)


def versions() -> list[Questionnaire]:
    """Read the form."""
    return [parse(convert_markdown(FORM).xform, {})]
