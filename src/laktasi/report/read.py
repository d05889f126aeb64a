"""What the report reads from research.duckdb, and nothing else.

A project without a study has the same tables in its research copy; those of the marts and analyses are empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import WarehouseError
from laktasi.report.results import ACCEPTED, Results, read_results
from laktasi.report.rows import Reader, Source
from laktasi.report.versions import VERSIONS

if TYPE_CHECKING:
    import duckdb

POPULATIONS = ("accepted", "all")
"""The rows that passed the checks first: they carry the main result."""


@dataclass(frozen=True, slots=True)
class Run:
    """The run whose results the file holds."""

    run_id: str
    started_at: datetime | None
    finished_at: datetime | None
    status: str
    laktasi_version: str | None
    code_version: str | None
    analysed_rows: int | None
    analysed_hash: str | None
    as_of: datetime | None = None
    """The moment by which everything was known that this run analysed; None: it analysed all there was."""


@dataclass(frozen=True, slots=True)
class Centre:
    """A health centre, or whatever place the study compares."""

    centre_code: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What came in from one centre; the code is None for submissions that name no centre."""

    centre_code: str | None
    submissions: int
    not_consented: int
    included: int
    set_aside: int
    accepted: int


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """One rule with open findings."""

    form_id: str
    rule_id: str
    about: str
    """``aside``: submissions that it keeps out of the accepted ones; ``counted``: others; ``groups``."""
    messages: Mapping[str, str]
    broken: int
    """How many submissions, or groups, break it."""
    included: int
    """How many of these submissions the study would count."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One level of an ordered variable of the analysis."""

    variable: str
    position: int
    level: str
    level_rank: int
    labels: Mapping[str, str]
    level_labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kendall:
    """Kendall's tau_b of one pair of variables at one centre."""

    centre_code: str
    exposure: str
    outcome: str
    population: str
    n: int
    tau_b: float | None
    p_value: float | None
    p_exact: float | None
    ci_low: float | None
    ci_high: float | None
    ci_method: str | None
    tau_b_min: float | None
    tau_b_max: float | None
    reason: str | None
    p_holm: float | None = None
    p_exact_method: str | None = None
    """``exact``, or a sample of arrangements."""


@dataclass(frozen=True, slots=True)
class Pooled:
    """One pair of variables across all centres."""

    exposure: str
    outcome: str
    population: str
    method: str
    centres: int | None
    centres_used: int | None
    n: int | None
    tau_b: float | None
    p_value: float | None
    ci_low: float | None
    ci_high: float | None
    ci_method: str | None
    q: float | None
    q_df: int | None
    q_p_value: float | None
    i2: float | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class JointCount:
    """How many accepted records have one level of the exposure and one of the outcome."""

    centre_code: str | None
    """None: all centres together."""
    exposure: str
    outcome: str
    exposure_rank: int
    outcome_rank: int
    n: int


@dataclass(frozen=True, slots=True)
class Frequency:
    """How many records have one level of one variable; the code is None for all centres together."""

    centre_code: str | None
    population: str
    variable: str
    level_rank: int
    n: int
    percent: float | None


@dataclass(frozen=True, slots=True)
class CodebookField:
    """One question, calculate or piece of metadata of a form."""

    form_id: str
    table_name: str
    column_name: str
    path: str
    position: int
    type: str
    privacy: str
    labels: Mapping[str, str]
    list_name: str | None
    versions: Sequence[str]
    is_left_out: bool
    """A direct identifier: its answers stay in the private warehouse."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer that a list of a form offers, as its newest version words it."""

    form_id: str
    list_name: str
    value: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Unverified:
    """A rule of a form that could not be checked after the fact."""

    form_id: str
    field: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Content:
    """Everything the report tells, as it stands in the research copy."""

    run: Run
    submissions: int
    """Current submissions that were finished: no drafts, none that wait for their form version."""
    newest_at: datetime | None
    """When the newest of them landed."""
    centres: Sequence[Centre]
    arrivals: Sequence[Arrivals]
    rules: Sequence[BrokenRule]
    mended: int
    """Findings that have been mended since they were first seen."""
    variables: Sequence[Variable]
    kendall: Sequence[Kendall]
    pooled: Sequence[Pooled]
    joint: Sequence[JointCount]
    frequencies: Sequence[Frequency]
    codebook: Sequence[CodebookField]
    choices: Sequence[Choice]
    unverified: Sequence[Unverified]
    decisions: Mapping[str, int]
    """People's decisions, by how they stand; one that is about several records can stand in several ways."""
    results: Results


@contextmanager
def opened(research: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the research copy read-only, so that all pages tell of one file.

    Raises
    ------
    WarehouseError
        There is no such file, or it cannot be read.
    """
    import duckdb

    if not research.exists():
        raise WarehouseError(
            f"{research.name} does not exist",
            why="The report is made from the research copy, which a run publishes when it ends.",
            next_step="laktasi run",
        )
    try:
        with duckdb.connect(str(research), read_only=True) as connection:
            # No extension is ever fetched at run time.
            connection.execute("set autoinstall_known_extensions = false; set autoload_known_extensions = false")
            yield connection
    except duckdb.IOException as error:
        raise WarehouseError(
            f"{research.name} cannot be opened: {str(error).splitlines()[0]}",
            why="Another process may be writing to it, or it is not a DuckDB file.",
            next_step="close the other program, or make the file anew with: laktasi run",
        ) from error


# Of centres only what the pages across them need: their tables are read page by page, see centre_rows.py.
SOURCES: Mapping[type[Any], Source] = {
    Centre: Source("marts.centres", "centre_code"),
    Arrivals: Source("marts.arrivals", "centre_code nulls last"),
    Variable: Source("marts.variables", "position, variable, level_rank"),
    Kendall: Source("analysis.kendall_latest", "exposure, outcome, population, centre_code", ACCEPTED),
    Pooled: Source("analysis.pooled_latest", "exposure, outcome, population, method"),
    Frequency: Source("analysis.frequencies_latest", "variable, population, level_rank", "centre_code is null"),
    CodebookField: Source("staging.codebook", "form_id, position, table_name, column_name"),
    Unverified: Source("quality.unverified", "form_id, field, kind, reason"),
}

JOINT = f"""
select null as centre_code, exposure, outcome, exposure_rank, outcome_rank, sum(n)::bigint as n
from analysis.contingency_latest
where {ACCEPTED}
group by exposure, outcome, exposure_rank, outcome_rank
order by exposure, outcome, exposure_rank, outcome_rank
"""

# marts.set_aside counts the same ones: what schemas/gates.yml exempts sets no record aside, nor does a group's finding.
RULES = """
select
    findings.form_id,
    findings.rule_id,
    case
        when findings.submission_id = '' then 'groups'
        when findings.keeps_out then 'aside'
        else 'counted'
    end as about,
    arg_max(findings.messages, findings.finding_id) as messages,
    count(distinct if(findings.submission_id = '', findings."row", findings.submission_id)) as broken,
    count(distinct findings.submission_id) filter (where whose.is_included) as included
from quality.findings as findings
left join marts.submissions as whose
    on findings.form_id = whose.form_id and findings.submission_id = whose.submission_id
where findings.is_open
group by findings.form_id, findings.rule_id, about
order by about, included desc, broken desc, findings.form_id, findings.rule_id
"""

CHOICES = f"""
with versions as ({VERSIONS})
select
    choices.form_id,
    choices.list_name,
    choices.value,
    arg_max(choices.labels, versions.position) as labels
from staging.choices as choices
inner join versions on choices.form_id = versions.form_id and choices.form_version = versions.form_version
group by choices.form_id, choices.list_name, choices.value
order by choices.form_id, choices.list_name, min(choices.position), choices.value
"""


def read(connection: duckdb.DuckDBPyConnection, name: str) -> Content:
    """Read what the front page needs.

    Parameters
    ----------
    name
        Of the file, for errors.

    Raises
    ------
    WarehouseError
        It is no research copy, or no run has finished in it.
    """

    run = _last_run(connection, name)
    reader = Reader(connection)

    def rows(kind: type[Any]) -> list[Any]:
        return reader.rows(kind, SOURCES[kind])

    arrived = connection.execute(
        "select count(*), max(first_landed_at) from staging.submissions where state = 'staged'"
    ).fetchone()
    mended = connection.execute("select count(*) from quality.findings where status = 'mended'").fetchone()
    assert arrived is not None
    assert mended is not None
    return Content(
        run=run,
        submissions=arrived[0],
        newest_at=arrived[1],
        centres=rows(Centre),
        arrivals=rows(Arrivals),
        rules=[BrokenRule(*row) for row in connection.execute(RULES).fetchall()],
        mended=mended[0],
        variables=rows(Variable),
        kendall=rows(Kendall),
        pooled=rows(Pooled),
        joint=[JointCount(*row) for row in connection.execute(JOINT).fetchall()],
        frequencies=rows(Frequency),
        codebook=rows(CodebookField),
        choices=[Choice(*row) for row in connection.execute(CHOICES).fetchall()],
        unverified=rows(Unverified),
        decisions=dict(
            connection.execute(
                "select state, count(distinct decision_id) from quality.decision_states group by state"
            ).fetchall()
        ),
        results=read_results(reader),
    )


def _last_run(connection: duckdb.DuckDBPyConnection, name: str) -> Run:
    names = ", ".join(item.name for item in fields(Run) if item.name != "as_of")
    is_ours = connection.execute(
        "select 1 from duckdb_views() where schema_name = 'meta' and view_name = 'latest_run'"
    ).fetchone()
    found = (
        connection.execute(
            f"select {names}, json_extract_string(manifest, '$.as_of')::timestamptz"
            " from meta.runs semi join meta.latest_run using (run_id)"
        ).fetchone()
        if is_ours
        else None
    )
    if found is None:
        raise WarehouseError(
            f"{name} holds no finished run",
            why="A report tells the results of a run, and names it.",
            next_step="laktasi run",
        )
    return Run(*found)
