"""People and places in schema ``marts``: targets, and how each enumerator, health centre and phone fares."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from laktasi.errors import CheckError
from laktasi.store.forms import Questionnaires
from laktasi.store.roles import find_question
from laktasi.store.rows import append, by_column
from laktasi.store.sql import transaction
from laktasi.study import Study
from laktasi.targets import Target


def stand_targets(
    con: duckdb.DuckDBPyConnection, targets: Sequence[Target], study: Study | None, questionnaires: Questionnaires
) -> None:
    """Make marts.targets anew. The checks over the set read it.

    Raises
    ------
    CheckError
        There are targets and no study that says which question names the centre, or a target is for a centre that no
        form version offers: nothing would ever count towards it.
    """
    offered = _offered_centres(study, questionnaires) if targets else set()
    for one in targets:
        if offered and one.centre not in offered:
            raise CheckError(
                f"targets.csv: line {one.line}: no form version offers the centre {one.centre!r}",
                next_step="write the code as in the form's list of centres, in schemas/targets.csv",
            )
    columns = {"centre_code": pa.string(), "target": pa.int32(), "until": pa.date32()}
    rows = [{"centre_code": one.centre, "target": one.records, "until": one.until} for one in targets]
    with transaction(con):
        con.execute("delete from marts.targets")
        append(con, "marts.targets", by_column(columns, rows))


def _offered_centres(study: Study | None, questionnaires: Questionnaires) -> set[str]:
    """Give the centres that any version offers; none where the question has no list and takes any text."""
    if study is None:
        raise CheckError(
            "targets.csv gives targets to centres, and there is no study.yml that says which question names them",
            next_step="write schemas/study.yml, or remove schemas/targets.csv",
        )
    centre = find_question(study, questionnaires, study.roles.centre, "role centre", published=True)
    return {
        choice.value
        for questionnaire, field in centre.fields
        if field.list_name is not None
        for choice in questionnaire.choice_lists[field.list_name].choices
    }
