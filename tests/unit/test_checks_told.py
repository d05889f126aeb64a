"""docs/checks.md, and the pages it leads to: every kind is told with all its keys, and every example is a check."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from laktasi.paths import HOUSE
from laktasi.quality.declared import COMMON, make_check
from laktasi.quality.kinds import KINDS
from laktasi.quality.plan import make_plan
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert
from laktasi.study import read_study

DOCS = HOUSE / "docs"
ROWS = (DOCS / "checks.md").read_text(encoding="utf-8")
OTHERS = "\n".join(path.read_text(encoding="utf-8") for path in sorted(DOCS.glob("*.md")) if path.name != "checks.md")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", ROWS, re.MULTILINE | re.DOTALL))


def examples(text: str) -> list[dict[str, Any]]:
    return [
        entry
        for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
        for entry in yaml.safe_load(block)
        if isinstance(entry, dict) and "kind" in entry
    ]


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_told_with_its_keys(name: str) -> None:
    keys = [parameter.name for parameter in KINDS[name].parameters]
    told = SECTIONS.get(name) or "\n".join(line for line in OTHERS.splitlines() if f"`{name}`" in line)
    assert told
    assert [key for key in keys if f"`{key}`" not in told and f"{key}:" not in told] == []
    assert f"`{name}`" in ROWS, "the table of what people check leads to it"


@pytest.mark.parametrize("name", SECTIONS)
def test_no_section_tells_a_key_that_its_kind_has_not(name: str) -> None:
    keys = {parameter.name for parameter in KINDS[name].parameters}
    told = [
        key for line in re.findall(r"^\| (`.+?) \|", SECTIONS[name], re.MULTILINE) for key in re.findall(r"\w+", line)
    ]
    assert sorted(told) == sorted(keys)
    assert {key for entry in examples(SECTIONS[name]) for key in entry} <= {*keys, *COMMON}
    assert name in {entry["kind"] for entry in examples(SECTIONS[name])}


def test_every_example_can_be_asked_of_the_shipped_form(tmp_path: Path) -> None:
    converted = convert(HOUSE / "xlsforms" / "postpartum_visit.xlsx")
    form = parse(converted.xform, converted.media)
    (tmp_path / "cards.csv").write_text("code,centre,enumerator,from,to\n1,c,E01,1,2\n", encoding="utf-8")
    (tmp_path / "places.csv").write_text("name,lat,lon\na,0,0\nb,1,1\n", encoding="utf-8")
    checks = [make_check(entry) for entry in examples(ROWS)]
    plan = make_plan(
        {(form.form_id, form.version): form},
        checks,
        study=read_study(HOUSE / "schemas" / "study.yml"),
        schemas=tmp_path,
    )
    asked = {rule.rule_id for batch in plan.batches for rule in batch.rules}
    assert {check.id for check in checks} <= asked
    assert len({check.kind for check in checks}) == len(SECTIONS)
