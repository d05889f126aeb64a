"""A form with calculations, "other, which?" and a repeat, its submissions, and people's decisions about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from laktasi.quality.decisions import Decision, decision_findings, read_decisions, write_decisions
from laktasi.questionnaire.codebook import entries
from laktasi.questionnaire.model import Questionnaire
from laktasi.questionnaire.recompute import recompute_sql
from laktasi.questionnaire.xform import parse
from laktasi.questionnaire.xlsform import convert_markdown
from laktasi.records import FieldedForm, Status, Submission
from laktasi.secret import known_key
from laktasi.store import raw
from laktasi.store.answers import load_answers
from laktasi.store.corrections import Corrected, Recompute, correct, set_back
from laktasi.store.decisions import land_decisions, not_landed
from laktasi.store.staging import stand, stand_lists
from laktasi.store.submissions import resolve
from tests.warehouse_fixture import Warehouse

FORM = """
| survey | | | | | | | |
| | type | name | label::English (en) | relevant | calculation | bind::laktasi:privacy | readonly |
| | select_one yes_no | grows | Grows? | | | none | |
| | select_one crop | crop | Crop | ${{grows}} = 'yes' | | none | |
| | text | crop_other | Which? | ${{crop}} = 'other' | | none | |
| | text | owner | Owner | ${{grows}} = 'yes' | | direct | |
| | note | thanks | Thanks | ${{crop}} = 'other' | | none | |
| | integer | beds | Beds | | | none | |
| | integer | plants | Plants in each | | | none | |
| | calculate | total | | | ${{beds}} * ${{plants}} | none | |
| | calculate | size | | | if(${{total}} > 10, 'large', 'small') | none | |
| | date | sown | Sown | ${{size}} = 'large' | | none | |
| | begin group | tools | Tools | | | | |
| | select_multiple tool | tool | Tools | | | none | |
| | text | tool_other | Which? | selected(${{tool}}, '{other}') | | direct | |
| | text | tool_why | Why? | selected(${{tool}}, '{other}') and ${{grows}} = 'yes' | | none | |
| | end group | | | | | | |
| | begin repeat | plot | Plot | | | | |
| | integer | length | Length | | | none | |
| | select_one crop | what | Crop | | | none | |
| | text | what_other | Which? | ${{what}} = 'other' | | none | |
| | text | crop_again | Which? | ${{crop}} = 'other' | | none | |
| | end repeat | | | | | | |
| choices | | | |
| | list_name | name | label::English (en) |
| | crop | rice | Rice |
| | crop | maize | Maize |
| | crop | other | Other |
| | tool | hoe | Hoe |
| | tool | knife | Knife |
| | tool | {other} | Other |
| | yes_no | yes | Yes |
| | yes_no | no | No |
| settings | | | | |
| | form_id | version | default_language | namespaces |
| | garden | {version} | English (en) | laktasi="urn:laktasi:privacy" |
"""
TODAY = date(2026, 11, 21)
OWNER = "Siti Rahasia Sekali"

Answers = Mapping[str, Any]


@cache
def xform(version: str = "1", other: str = "other") -> bytes:
    """Make a version of the form; `other` is what its list of tools calls the choice."""
    return convert_markdown(FORM.format(version=version, other=other)).xform


@cache
def garden(version: str = "1", other: str = "other") -> Questionnaire:
    """Read a version of the form."""
    return parse(xform(version, other), {})


def fielded(version: str = "1", other: str = "other") -> FieldedForm:
    """Give a version of the form as a phone has it."""
    return FieldedForm(xform(version, other), {}, "project")


def answers(**changed: Any) -> dict[str, Any]:
    """Give good answers; None takes one away."""
    good = {"grows": "yes", "crop": "rice", "owner": OWNER, "beds": "2", "plants": "3", "total": "6", "size": "small"}
    return {name: value for name, value in (good | changed).items() if value is not None}


def record(instance: str, given: Answers, *, edits: str | None = None, version: str = "1") -> Submission:
    """Write a submission; `edits` is the instance that it replaces."""
    old = f"<orx:deprecatedID>{edits}</orx:deprecatedID>" if edits else ""
    xml = (
        f'<data id="garden" version="{version}" xmlns:orx="http://openrosa.org/xforms">{_nodes(given)}'
        f"<orx:meta><orx:instanceID>{instance}</orx:instanceID>{old}</orx:meta></data>"
    )
    return Submission("garden", version, instance, edits, xml.encode(), Status.FINALISED, "phones", None)


def _nodes(given: Answers) -> str:
    written = []
    for name, value in given.items():
        for item in value if isinstance(value, list) else [value]:
            inner = _nodes(item) if isinstance(item, Mapping) else escape(str(item))
            written.append(f"<{name}>{inner}</{name}>")
    return "".join(written)


@dataclass
class Desk:
    """A warehouse of gardens, and the folder of people's decisions about them."""

    house: Warehouse
    folder: Path
    decided: int = 0
    read: int = field(default=0, init=False)
    """Submissions that the last run read."""

    def decide(self, action: str, **said: Any) -> str:
        """Write down a decision, and give its id."""
        self.decided += 1
        its_id = said.pop("id", f"d{self.decided:03d}")
        fixed: dict[str, Any] = {"reason": "r", "reporter": "Ani", "date": TODAY}
        if action != "withdraw":
            fixed["form"] = "garden"
        write_decisions(self.folder, [Decision(id=its_id, action=action, **(fixed | said))])
        return str(its_id)

    def replace(self, submission: str, question: str, expected: str, value: str, **said: Any) -> str:
        """Decide that another answer stands."""
        place = {"submission": submission, "question": question, "expected": expected, "value": value}
        return self.decide("replace", **place, **said)

    def recode(self, question: str, expected: str, parent: str, value: str, **said: Any) -> str:
        """Decide what a text means."""
        return self.decide("recode", question=question, expected=expected, parent=parent, value=value, **said)

    def take(self, *items: Submission | FieldedForm, **given: Any) -> Corrected:
        """Land, then :meth:`run`."""
        raw.land(self.house.con, self.house.folder, items, self.house.run_id)
        return self.run(**given)

    def run(self, *, today: date = TODAY, recompute: Recompute = recompute_sql) -> Corrected:
        """Walk the steps from `decide` to `stand`."""
        self.begin()
        return self.finish(today=today, recompute=recompute)

    def begin(self) -> None:
        """Walk the steps before `correct`."""
        con, questionnaires = self.house.con, self.house.questionnaires
        rows = [decision.as_row() for decision in read_decisions(self.folder)]
        land_decisions(con, self.house.run_id, not_landed(con, rows))
        resolve(con, questionnaires)
        set_back(con, questionnaires, known_key(self.house.folder))
        self.read = load_answers(con, questionnaires).read
        stand_lists(con, questionnaires, entries(list(questionnaires.values())))

    def finish(self, *, today: date = TODAY, recompute: Recompute = recompute_sql) -> Corrected:
        """Walk the steps from `correct` on."""
        con, questionnaires = self.house.con, self.house.questionnaires
        made = correct(con, questionnaires, recompute, known_key(self.house.folder), today)
        stand(con, questionnaires)
        return made

    def answer(self, submission: str, column: str, row: str = "", table: str = "garden") -> str | None:
        """Give what stands as text."""
        found = self.house.rows(
            f"select {column} from answers.{table} where _submission_id = '{submission}' and _row = '{row}'"
        )
        assert len(found) == 1
        text: str | None = found[0][0]
        return text

    @property
    def states(self) -> dict[str, str]:
        """Give how each decision stands."""
        found = self.house.rows("select distinct decision_id, state from quality.decision_states")
        states = dict(found)
        assert len(states) == len(found), "a decision stands in two ways"
        return states

    @property
    def findings(self) -> list[tuple[str, str, str]]:
        """Give submission, row and rule of the findings about stale decisions."""
        return [
            (item["submission_id"], item["row"], item["rule_id"])
            for table in decision_findings(self.house.con)
            for item in table.to_pylist()
        ]
