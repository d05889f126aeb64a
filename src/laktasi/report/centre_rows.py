"""The tables of single health centres, read some hundred centres at a time: a page for each of 10,000 needs no memory.

Only counts: of accepted records by level, and of findings by rule.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from laktasi.report.read import Frequency, JointCount, Kendall
from laktasi.report.results import ACCEPTED, Paired
from laktasi.report.rows import Reader, Source

if TYPE_CHECKING:
    import duckdb

BATCH = 500

_HERE = "centre_code between ? and ?"
_KENDALL = Source("analysis.kendall_latest", "centre_code, exposure, outcome", f"{ACCEPTED} and {_HERE}")
_JOINT = Source(
    "analysis.contingency_latest",
    "centre_code, exposure, outcome, exposure_rank, outcome_rank",
    f"{ACCEPTED} and {_HERE}",
)
_FREQUENCY = Source("analysis.frequencies_latest", "centre_code, variable, level_rank", f"{ACCEPTED} and {_HERE}")
_PAIRED = Source("analysis.paired_latest", "centre_code, measure, unit", f"{ACCEPTED} and n > 0 and {_HERE}")

# What a page says is to be mended: the same rules as on the page of data, of the records of one centre.
_TO_MEND = """
select centre_code, rule_id, keeps_out, arg_max(messages, finding_id), count(distinct submission_id) as records
from quality.findings
where is_open and submission_id <> '' and centre_code between ? and ?
group by centre_code, rule_id, keeps_out
order by centre_code, keeps_out desc, records desc, rule_id
"""


@dataclass(frozen=True, slots=True)
class ToMend:
    """One rule that records of the centre break, and how many do."""

    rule_id: str
    keeps_out: bool
    """Whether the records are set aside until it is mended."""
    messages: Mapping[str, str]
    records: int


@dataclass(slots=True)
class CentreRows:
    """What the research copy holds of one centre."""

    kendall: list[Kendall] = field(default_factory=list)
    joint: list[JointCount] = field(default_factory=list)
    frequencies: list[Frequency] = field(default_factory=list)
    paired: list[Paired] = field(default_factory=list)
    to_mend: list[ToMend] = field(default_factory=list)


def read_centres(connection: duckdb.DuckDBPyConnection, codes: Sequence[str]) -> Iterator[tuple[str, CentreRows]]:
    """Read the rows of each centre, in the order of `codes`, which are sorted."""
    reader = Reader(connection)
    for start in range(0, len(codes), BATCH):
        batch = codes[start : start + BATCH]
        found = {code: CentreRows() for code in batch}
        ends = (batch[0], batch[-1])
        # A code between the ends that is not asked for sent nothing.
        for result in reader.rows(Kendall, _KENDALL, ends):
            if result.centre_code in found:
                found[result.centre_code].kendall.append(result)
        for cell in reader.rows(JointCount, _JOINT, ends):
            if cell.centre_code in found:
                found[cell.centre_code].joint.append(cell)
        for count in reader.rows(Frequency, _FREQUENCY, ends):
            if count.centre_code in found:
                found[count.centre_code].frequencies.append(count)
        for paired in reader.rows(Paired, _PAIRED, ends):
            if paired.centre_code in found:
                found[paired.centre_code].paired.append(paired)
        for code, *rule in connection.execute(_TO_MEND, list(ends)).fetchall():
            if code in found:
                found[code].to_mend.append(ToMend(*rule))
        yield from found.items()
