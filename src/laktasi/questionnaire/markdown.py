"""An XLSForm as Markdown: what reviewers read, and what a change to the workbook shows up in."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

from laktasi.errors import QuestionnaireError

SHEETS = ("survey", "choices", "settings", "entities", "external_choices")
"""The sheets an XLSForm may have, in the order in which they are shown."""


def render(xlsx_path: Path) -> str:
    """Render a workbook as one Markdown table per sheet, every row and every column that holds something.

    Parameters
    ----------
    xlsx_path
        An XLSForm. Nothing in it is computed: a formula is shown as it stands.

    Returns
    -------
    str
        Ends in a newline. Empty rows and columns are left out; a line break within a cell is ``<br>``.

    Raises
    ------
    QuestionnaireError
        The file is not a workbook, or has no survey sheet.
    """
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        workbook = load_workbook(xlsx_path, read_only=True)
    except (BadZipFile, InvalidFileException, KeyError, OSError) as error:
        raise QuestionnaireError(
            f"{xlsx_path.name} cannot be opened as a workbook",
            why=str(error),
            next_step="save it again as .xlsx from a spreadsheet program",
        ) from error
    try:
        sheets = {name: list(workbook[name].iter_rows(values_only=True)) for name in workbook.sheetnames}
    finally:
        workbook.close()
    if "survey" not in sheets:
        raise QuestionnaireError(
            f"{xlsx_path.name} has no sheet called survey", next_step="name its first sheet survey"
        )
    parts = [
        f"# {xlsx_path.name}\n",
        f"Made from `{xlsx_path.name}`, which is what people edit; this page is for reading and is never edited.\n",
    ]
    for name in SHEETS:
        if name in sheets:
            table = _table([[_text(value) for value in row] for row in sheets[name]])
            parts.append(f"## {name}\n\n{table}")
    return "\n".join(parts)


def _table(rows: list[list[str]]) -> str:
    filled = [row for row in rows if any(row)]
    if not filled:
        return "(empty)\n"
    columns = [position for position in range(len(filled[0])) if any(row[position] for row in filled)]
    lines = ["| " + " | ".join(row[position] for position in columns) + " |" for row in filled]
    lines.insert(1, "|" + " --- |" * len(columns))
    return "\n".join(lines) + "\n"


def _text(value: object) -> str:
    """Write a cell so that Markdown shows it as it is."""
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a version typed as a number
    escaped = str(value).strip().replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return "<br>".join(line.strip() for line in escaped.splitlines())
