"""Which questions a record was asked, by the relevance of everything around them."""

from __future__ import annotations

import duckdb
import pytest

from laktasi.questionnaire.asked import asked_rows
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown

FORM = """
| survey |
| | type | name | label | relevant |
| | text | agrees | Agrees? | |
| | begin_group | home | Home | ${agrees} = 'yes' |
| | begin_repeat | pot | Pot | |
| | text | kind | Kind | |
| | begin_group | cover | Cover | ${kind} = 'tall' |
| | begin_repeat | lid | Lid | |
| | text | colour | Colour | |
| | end_repeat | | | |
| | end_group | | | |
| | end_repeat | | | |
| | end_group | | | |
| settings |
| | form_id | version | form_title |
| | tea | 1 | Tea |
"""


@pytest.mark.parametrize(
    ("agrees", "kind", "asked"), [("yes", "tall", True), ("yes", "low", False), ("no", "tall", False)]
)
def test_a_question_is_asked_where_every_group_and_repeat_around_it_applies(
    agrees: str, kind: str, asked: bool
) -> None:
    questionnaire = parse(convert_markdown(FORM).xform, {})
    (innermost,) = [item for item in questionnaire.fields if item.path.endswith("colour")]
    rows = asked_rows(questionnaire, innermost.table, [innermost.path, "no/such"])
    assert rows.unknown == ()
    with duckdb.connect() as con:
        con.execute("create schema answers")
        for depth, table in enumerate(questionnaire.tables):
            row = {"_submission_id": "a", "_row": str(depth or ""), "_form_version": "1"}
            if depth:
                row["_parent_row"] = str(depth - 1 or "")
            for item in questionnaire.fields_of(table.name):
                row[item.column] = {"agrees": agrees, "kind": kind}.get(item.path.rsplit("/", 1)[-1], "")
            names = ", ".join(f"nullif(?, '') as \"{name}\"" for name in row)
            con.execute(f'create table answers."{table.name}" as select {names}', list(row.values()))
            con.execute(f"update answers.\"{table.name}\" set _row = coalesce(_row, '')")
            if depth:
                con.execute(f"update answers.\"{table.name}\" set _parent_row = coalesce(_parent_row, '')")
        assert con.execute(rows.select).fetchall() == [("a", "2", asked, False)]
