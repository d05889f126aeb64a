"""The form of the contract tests, what a phone sends of it, and a Central that has it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from laktasi.questionnaire.xlsform import convert_markdown
from tests.central import Acts, Double

FORM_ID = "walk"
FORM = """
| survey | | | |
| | type | name | label |
| | text | place | Place |
| | integer | steps | Steps |
| | decimal | weight | Weight |
| | geopoint | spot | Spot |
| | datetime | began | Began |
| | select_multiple sky | sky | Sky |
| | select_one_from_file towns.csv | town | Town |
| | image | photo | Photo |
{last}
| | begin group | notes | Notes |
| | text | note-1 | Note |
| | end group | | |
| | begin repeat | rest | Rest |
| | integer | minutes | Minutes |
| | end repeat | | |
| choices | | | |
| | list_name | name | label |
| | sky | sun | Sun |
| | sky | rain | Rain |
| settings | | | |
| | form_id | version | |
| | walk | {version} | |
"""
TOWNS = b"name,label\nt1,One\n"


@cache
def xform(version: str = "1", last: str = "| | text | dropped | Dropped |") -> bytes:
    """Make a version of the form; `last` is a row of it that other versions change."""
    return convert_markdown(FORM.format(version=version, last=last)).xform


def xml(
    instance_id: str | None,
    body: str = "",
    *,
    deprecated_id: str | None = None,
    version: str = "1",
    form: str = FORM_ID,
) -> str:
    """Write a submission as Collect does."""
    own = f"<orx:instanceID>{instance_id}</orx:instanceID>" if instance_id else ""
    old = f"<orx:deprecatedID>{deprecated_id}</orx:deprecatedID>" if deprecated_id else ""
    return (
        f'<?xml version="1.0"?><data id="{form}" version="{version}" xmlns:orx="http://openrosa.org/xforms">'
        f"{body}<orx:meta>{own}{old}</orx:meta></data>"
    )


@dataclass
class Central:
    """A Central, a project of one's own on it, and the form ``walk`` published there."""

    acts: Acts
    double: Double | None
    """None: a real one."""

    @property
    def form(self) -> str:
        return self.acts.place("forms", FORM_ID)

    @property
    def rows(self) -> str:
        """The path of the plain listing."""
        return f"{self.form}/submissions"

    @property
    def table(self) -> str:
        """The path of the OData table."""
        return f"{self.form}.svc/Submissions"

    def odata(self, **options: str) -> list[dict[str, Any]]:
        """Read rows of the table; options without their dollar sign."""
        answer = self.acts.do("GET", self.table, params={f"${name}": value for name, value in options.items()})
        return list(answer["value"])

    def ids(self, filter: str | None = None) -> list[str]:
        """Give the ids of the table's rows, in its order."""
        return [row["__id"] for row in self.odata(select="__id", **({"filter": filter} if filter else {}))]

    def system(self, submission_id: str) -> dict[str, Any]:
        """Give what OData says of one row beside its answers."""
        (row,) = self.odata(select="__id,__system", filter=f"__id eq '{submission_id}'")
        return dict(row["__system"])

    def etag(self, path: str | None = None, **params: str) -> str:
        return self.acts.ask("GET", path or self.rows, params=params).headers["ETag"]

    def submission(self, submission_id: str, *more: str) -> Any:
        return self.acts.do("GET", self.acts.place("forms", FORM_ID, "submissions", submission_id, *more))

    def status(self, method: str, path: str, **given: Any) -> int:
        return self.acts.ask(method, path, **given).status_code
