"""Which rules look at one answer alone: only then does that answer say that what was accepted still stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from laktasi.desk.reads import reads_one_answer
from laktasi.paths import DataFolder
from laktasi.questionnaire.compiler import DeclaredRule, compile_form
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.store.warehouse import open_warehouse

FORM = """
| survey | | | | | | | |
| | type | name | label | required | relevant | constraint | choice_filter |
| | integer | limit | Limit | yes | | . < 100 | |
| | integer | amount | Amount | yes | ${limit} > 3 | . <= ${limit} | |
| | begin group | visit | Visit | | ${limit} > 4 | | |
| | integer | size | Size | yes | | . > 0 and . < 9 | |
| | select_one place | place | Place | | | | group = ${limit} |
| | select_one place | other | Other | | | | group = 'a' |
| | end group | | | | | | |
| | begin repeat | pot | Pot | | | | |
| | integer | cups | Cups | | | . <= ${amount} | |
| | integer | spoons | Spoons | | | . <= 2 | |
| | end repeat | | | | | | |
| choices | | | | |
| | list_name | name | label | group |
| | place | p1 | P1 | a |
| settings | | | |
| | form_id | version | |
| | shop | {version} | |
"""
DECLARED = {"own": "${amount} < 9", "other": "${amount} < ${limit}", "here": "not(${limit} = 1) or (${amount} < 9)"}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    """Say of each rule whether it reads one answer alone, of two versions that ask the same."""
    forms = {
        ("shop", version): parse(convert_markdown(FORM.replace("{version}", version)).xform) for version in ("1", "2")
    }
    declared = [DeclaredRule(name, text, "error", {"en": "No."}) for name, text in DECLARED.items()]
    with open_warehouse(DataFolder(Path(tmp_path_factory.mktemp("reads")))) as con:
        rules = set()
        for (form_id, version), form in forms.items():
            for rule in compile_form(form, declared).rules:
                rules.add(rule.rule_id)
                con.execute(
                    """
                    insert into quality.rules
                        (form_id, form_version, table_name, rule_id, kind, field, severity, expression)
                    values (?, ?, ?, ?, ?, ?, 'error', ?)
                    """,
                    [
                        *(form_id, version, rule.table, rule.rule_id, rule.kind),
                        *(rule.field or "amount", rule.expression),
                    ],
                )
        return {rule: reads_one_answer(con, forms, "shop", rule) for rule in rules}


@pytest.mark.parametrize(
    ("rule", "is_alone"),
    [
        ("amount.type", True),
        ("limit.constraint", True),
        ("limit.required", True),
        ("amount.constraint", False),
        ("amount.required", False),  # it is asked by another answer
        ("amount.relevant", False),
        ("visit__size.constraint", True),
        ("visit__size.required", False),
        ("visit__place.choice", False),
        ("visit__other.choice", True),
        ("pot__cups.constraint", False),
        ("pot__spoons.constraint", True),
        ("own", True),
        ("other", False),
        ("here", False),
    ],
)
def test_a_rule_reads_one_answer_or_several(told: dict[str, bool], rule: str, is_alone: bool) -> None:
    assert told[rule] is is_alone
