"""XLSForm to XForm, by pyxform, the reference implementation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from laktasi.errors import QuestionnaireError


@dataclass(frozen=True, slots=True)
class ConvertedForm:
    """An XForm and the files it needs, made from an XLSForm."""

    xform: bytes
    media: dict[str, bytes]
    """File name to content, from the folder ``<stem>-media`` beside the XLSForm."""
    warnings: tuple[str, ...]
    """What pyxform has to say, one remark each."""


def convert(path: Path) -> ConvertedForm:
    """Convert an XLSForm (``.xlsx``, or ``.md`` with Markdown tables).

    ODK Validate is not run here: see :func:`laktasi.questionnaire.check.check_form`.

    Raises
    ------
    QuestionnaireError
        There is no such file, it is not an XLSForm, or pyxform refuses it; the message is pyxform's,
        with sheet and row.
    """
    if not path.is_file():
        raise QuestionnaireError(f"{path.name}: there is no such file", next_step="check the path of the XLSForm")
    # The path, not the bytes: without a form_id in its settings a form is called as its file.
    xform, warnings = _convert(path, path.suffix.lower(), path.name)
    return ConvertedForm(xform, read_media(path), warnings)


def convert_markdown(text: str, media: dict[str, bytes] | None = None) -> ConvertedForm:
    """Convert an XLSForm written as Markdown tables, as pyxform's own tests write them."""
    xform, warnings = _convert(text, ".md", "form")
    return ConvertedForm(xform, media or {}, warnings)


def read_media(path: Path) -> dict[str, bytes]:
    """Read the files in ``<stem>-media`` beside an XLSForm; none where there is no such folder."""
    folder = path.with_name(f"{path.stem}-media")
    if not folder.is_dir():
        return {}
    return {item.name: item.read_bytes() for item in sorted(folder.iterdir()) if item.is_file()}


def _convert(source: str | Path, kind: str, name: str) -> tuple[bytes, tuple[str, ...]]:
    from pyxform.errors import PyXFormError
    from pyxform.xls2xform import convert as pyxform_convert

    if isinstance(source, Path) and kind == ".xlsx" and not is_zipfile(source):
        raise QuestionnaireError(
            f"{name}: not an XLSX workbook, whatever its name says",
            next_step="open it in a spreadsheet program and save it as Excel workbook (.xlsx)",
        )
    warnings: list[str] = []
    try:
        result = pyxform_convert(source, warnings=warnings, file_type=kind)
    except PyXFormError as error:
        raise QuestionnaireError(
            f"{name}: {' '.join(str(error).split())}",
            why="pyxform cannot make an XForm of it.",
            next_step=f"correct {name} and run the command again",
        ) from error
    return result.xform.encode(), tuple(" ".join(item.split()) for item in warnings)
