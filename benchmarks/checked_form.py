"""A questionnaire of 60 questions and 80 rules, records of it with known faults, and its rules as plain SQL.

For :mod:`benchmarks.checks`. The answers stand in schema answers as if they had been read from payloads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from laktasi.questionnaire.codebook import entries
from laktasi.questionnaire.compiler import compile_form
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.store.answers import load_answers
from laktasi.store.sql import literal
from laktasi.store.staging import stand_lists

if TYPE_CHECKING:
    import duckdb

FORM = "checked"
VERSION = "1"
FAULTY = 100
"""One record in so many has a fault, and that one alone."""
CHANGED = 100
"""One record in so many is changed before the second run."""


def _rows() -> list[str]:
    def question(
        kind: str, name: str, required: bool = False, relevant: str = "", constraint: str = "", calculation: str = ""
    ) -> str:
        return (
            f"| | {kind} | {name} | {name} | {'yes' if required else ''} | {relevant} | {constraint} | {calculation} |"
        )

    return [
        *(question("integer", f"n{i}", i < 5, constraint=". >= 0 and . <= 120") for i in range(10)),
        *(question("decimal", f"d{i}", constraint=". > 0 and . < 50") for i in range(4)),
        *(question("date", f"t{i}", True, constraint=". >= date('2026-01-01')") for i in range(4)),
        *(question(f"select_one {_list(i)}", f"s{i}", i < 6) for i in range(12)),
        *(question("text", f"w{i}", relevant="${s1} = 'yes'") for i in range(4)),
        *(question("text", f"c{i}", True, constraint="regex(., '^[A-Z][0-9]{4}$')") for i in range(6)),
        question("calculate", "k0", calculation="${n0} + ${n1}"),
        *(question("text", f"x{i}") for i in range(18)),
    ]


def _list(number: int) -> str:
    return "yes_no" if number % 2 else "scale"


LISTS = {"yes_no": ("yes", "no"), "scale": ("1", "2", "3", "4", "5")}
XLSFORM = "\n".join(
    [
        "| survey |",
        "| | type | name | label | required | relevant | constraint | calculation |",
        *_rows(),
        "| choices |",
        "| | list_name | name | label |",
        *(f"| | {name} | {value} | {value} |" for name, values in LISTS.items() for value in values),
        "| settings |",
        "| | form_id | version |",
        f"| | {FORM} | {VERSION} |",
    ]
)
QUESTIONNAIRE = parse(convert_markdown(XLSFORM).xform, {})
QUESTIONNAIRES = {(FORM, VERSION): QUESTIONNAIRE}
RULES = compile_form(QUESTIONNAIRE).rules

_FAULTS = {
    "n": ("'200'", "'tiga'"),
    "d": ("'99.5'", "'banyak'"),
    "t": ("'2020-01-01'", "'besok'"),
    "s": ("'nenek'", "'mungkin'"),
    "c": ("'zz'", "NULL"),
    "k": ("'9999'", "'-1'"),
}
"""By the first letter of a question: two answers that break a rule of it."""


def fill(con: duckdb.DuckDBPyConnection, rows: int) -> None:
    """Put `rows` records into the warehouse, read and staged as far as the checks need them."""
    load_answers(con, QUESTIONNAIRES)  # makes the tables
    stand_lists(con, QUESTIONNAIRES, entries([QUESTIONNAIRE]))
    names = [item.column for item in QUESTIONNAIRE.fields]
    faulty = [name for name in names if name[0] in _FAULTS and name[1:].isdigit()]
    columns = []
    for number, name in enumerate(names):
        good = _good(name, number, names)
        if name in faulty:
            one, other = _FAULTS[name[0]]
            has_fault = f"i % {FAULTY} = 0 AND (i // {FAULTY}) % {len(faulty)} = {faulty.index(name)}"
            fault = f"if((i // {FAULTY * len(faulty)}) % 2 = 0, {one}, {other})"
            good = f"CASE WHEN {has_fault} THEN {fault} ELSE {good} END"
        columns.append(f'{good} AS "{name}"')
    con.execute(
        f"""
        INSERT INTO answers.{FORM} BY NAME
        SELECT 'uuid:' || md5(i::varchar)::uuid AS _submission_id, '' AS _row, '{VERSION}' AS _form_version,
            {", ".join(columns)}
        FROM range({rows}) AS numbers(i);
        INSERT INTO answers.loaded_submissions BY NAME
        SELECT '{FORM}' AS form_id, _submission_id, '{VERSION}' AS form_version,
            sha256(_submission_id) AS payload_sha256, sha256('') AS layout
        FROM answers.{FORM};
        CHECKPOINT;
        """
    )


def _good(name: str, number: int, names: list[str]) -> str:
    """Give SQL of a sound answer of record ``i``."""
    draw = f"hash(i, {number})"
    answered_yes = f"hash(i, {names.index('s1')}) % 2 = 0"
    match name[0]:
        case "n":
            return f"({draw} % 121)::varchar"
        case "d":
            return f"(1 + {draw} % 480 / 10.0)::varchar"
        case "t":
            return f"(DATE '2026-01-01' + ({draw} % 300)::integer)::varchar"
        case "s" if _list(int(name[1:])) == "yes_no":
            return f"if({draw} % 2 = 0, 'yes', 'no')"
        case "s":
            return f"(1 + {draw} % 5)::varchar"
        case "w":
            return f"if({answered_yes}, 'ada ' || ({draw} % 97), NULL)"
        case "c":
            return f"chr((65 + {draw} % 26)::integer) || printf('%04d', {draw} % 10000)"
        case "k":
            return "(hash(i, 0) % 121 + hash(i, 1) % 121)::varchar"
        case "x":
            return f"'Catatan nomor ' || ({draw} % 5000)"
    return "'uuid:' || md5(i::varchar)::uuid"


def change(con: duckdb.DuckDBPyConnection) -> int:
    """Change an answer in one record of a hundred, as an edit does, a few of them to a fault; gives how many."""
    changed = f"hash(_submission_id) % {CHANGED} = 0"
    con.execute(
        f"""
        BEGIN;
        CREATE OR REPLACE TEMP TABLE changed AS SELECT * FROM answers.{FORM} WHERE {changed};
        DELETE FROM answers.{FORM} WHERE {changed};
        UPDATE changed SET c0 = if(hash(_submission_id, 1) % 50 = 0, 'zz', 'B1234');
        INSERT INTO answers.{FORM} BY NAME FROM changed;
        UPDATE answers.loaded_submissions SET payload_sha256 = sha256(payload_sha256) WHERE {changed};
        COMMIT;
        """
    )
    count: int = con.execute("SELECT count(*) FROM changed").fetchall()[0][0]
    return count


def plain_sql() -> str:
    """Give the same checks as somebody would write them by hand: one scan, from the answers to ids and rules.

    Of the ways to write it, the fastest that was found: nothing is made of the rows that fail nothing.
    """
    verdicts = ", ".join(
        f'coalesce({_condition(rule.kind, str(rule.field))}, false) AS "{rule.rule_id}"' for rule in RULES
    )
    names = [f'"{rule.rule_id}"' for rule in RULES]
    broken = ", ".join(f"CASE WHEN NOT {name} THEN {literal(name.strip(chr(34)))} END" for name in names)
    return f"""
        WITH verdicts AS (SELECT _submission_id, {verdicts} FROM answers.{FORM})
        SELECT _submission_id, unnest(list_filter([{broken}], lambda rule: rule IS NOT NULL)) AS rule_id
        FROM verdicts WHERE NOT ({" AND ".join(names)})
    """


def _condition(kind: str, name: str) -> str:
    sort = {"n": "BIGINT", "d": "DOUBLE", "t": "DATE"}.get(name[0], "VARCHAR")
    value = f"TRY_CAST({name} AS {sort})"
    if kind == "type":
        return f"{name} IS NULL OR {value} IS NOT NULL"
    if kind == "required":
        return f"{name} IS NOT NULL"
    if kind == "choice":
        return f"{name} IS NULL OR {name} IN ({', '.join(map(literal, LISTS[_list(int(name[1:]))]))})"
    if kind == "relevant":
        return f"{name} IS NULL OR s1 = 'yes'"
    if kind == "calculation":
        return f"TRY_CAST({name} AS DOUBLE) IS NOT DISTINCT FROM TRY_CAST(n0 AS BIGINT) + TRY_CAST(n1 AS BIGINT)"
    limits = {
        "n": f"{value} BETWEEN 0 AND 120",
        "d": f"{value} > 0 AND {value} < 50",
        "t": f"{value} >= DATE '2026-01-01'",
        "c": f"regexp_matches({name}, '^[A-Z][0-9]{{4}}$')",
    }
    return f"{value} IS NULL OR {limits[name[0]]}"
