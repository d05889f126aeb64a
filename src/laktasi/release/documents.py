"""What is written beside the data: codebook, questionnaire, README, disclosure report, manifest, package, checksums."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from laktasi.questionnaire.model import Texts
from laktasi.release.columns import Column
from laktasi.release.files import CSV, DUCKDB, RESULTS, Cut, all_columns, worded
from laktasi.release.names import plain_label
from laktasi.release.prepare import Prepared
from laktasi.release.source import Source
from laktasi.release.texts import ACROSS, KINDS, LEFT_OUT, WHY_NOT
from laktasi.report.html import hash_of, read_beside

if TYPE_CHECKING:
    from jinja2 import Environment

FORMAT = 1
MANIFEST, PACKAGE, SUMS = "manifest.json", "datapackage.json", "SHA256SUMS"
README, DISCLOSURE, QUESTIONNAIRE, CODEBOOK = "README.md", "disclosure.md", "questionnaire.md", "codebook.html"
MARK = "laktasi_release"
"""Key of the manifest by which a folder is known for a release."""

_OF_DUCKDB = {"DOUBLE": "number", "BIGINT": "integer", "INTEGER": "integer"}
_TYPES = {"whole": "integer", "number": "number", "date": "date", "moment": "datetime"}


def environment(*, escape: bool) -> Environment:
    """Give the room's templates; pages escape what they are given, plain texts do not."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("laktasi.release"),
        autoescape=escape,  # noqa: S701 - off for Markdown alone, whose texts lose their tags before
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def disclosure_text(told: Mapping[str, Any], language: str, *, title: str, notice: str) -> str:
    """Write the disclosure report."""
    template = environment(escape=False).get_template(f"disclosure.{language}.md")
    return template.render(told=told, title=title, notice=notice, left_out=LEFT_OUT, across=ACROSS, why_not=WHY_NOT)


def write_documents(
    folder: Path,
    source: Source,
    prepared: Prepared,
    told: Mapping[str, Any],
    cuts: Sequence[Cut],
    *,
    language: str,
    version: str,
) -> None:
    """Write everything beside the data; the checksums last.

    Parameters
    ----------
    told
        What :func:`laktasi.release.told.tell` gave.
    cuts
        Labels that a program has only the beginning of.
    version
        Of laktasi.
    """
    study = source.study
    title = worded(study.title, language, study.name)
    notice = worded(study.synthetic, language) if study.synthetic else ""
    columns = all_columns(prepared)
    (folder / DISCLOSURE).write_text(disclosure_text(told, language, title=title, notice=notice), encoding="utf-8")
    (folder / QUESTIONNAIRE).write_text(_questionnaire(source, prepared), encoding="utf-8")
    (folder / CODEBOOK).write_text(
        _codebook(columns, told, cuts, language, title=title, notice=notice), encoding="utf-8"
    )
    digest = sha256(folder / CSV)
    (folder / README).write_text(
        environment(escape=False)
        .get_template(f"readme.{language}.md")
        .render(
            title=title,
            notice=notice,
            records=told["records"],
            run=source.run,
            study=study.name,
            citation=study.citation,
            records_hash=digest,
            version=version,
        ),
        encoding="utf-8",
    )
    _write_json(folder / MANIFEST, _manifest(source, columns, told, digest, language, version))
    _write_json(folder / PACKAGE, _package(folder, source, columns, language, title, notice))
    lines = [f"{sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files_of(folder)]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def files_of(folder: Path) -> list[Path]:
    """Give every file of a release but the checksums, in order."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / SUMS)


def sha256(path: Path) -> str:
    """Give the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def _manifest(
    source: Source, columns: Iterable[Column], told: Mapping[str, Any], digest: str, language: str, version: str
) -> dict[str, Any]:
    run = source.run
    return {
        MARK: FORMAT,
        "study": source.study.name,
        "title": dict(source.study.title),
        "is_synthetic": source.study.synthetic is not None,
        "form": source.study.form_id,
        "form_versions": dict(run.forms),
        "run_id": run.run_id,
        "run_finished_at": run.finished_at.isoformat(),
        "run_versions": {"laktasi": run.laktasi_version, "code": run.code_version},
        "analysed_rows": run.analysed_rows,
        "analysed_hash": run.analysed_hash,
        "released_by": version,
        "language": language,
        "records": told["records"],
        "records_hash": digest,
        "columns": [
            {
                "name": column.name,
                "question": column.path,
                "kind": column.kind,
                "treatment": column.treatment,
                "is_quasi": column.is_quasi,
                "is_place": column.is_place,
            }
            for column in columns
        ],
        "disclosure": dict(told),
    }


def _package(
    folder: Path, source: Source, columns: Sequence[Column], language: str, title: str, notice: str
) -> dict[str, Any]:
    """Describe the folder as a Frictionless Data Package (version 1)."""
    resources = []
    results = _results(folder)
    for path in files_of(folder):
        place = path.relative_to(folder).as_posix()
        resource: dict[str, Any] = {
            "name": place.lower().replace("/", "-"),
            "path": place,
            "bytes": path.stat().st_size,
            "hash": f"sha256:{sha256(path)}",
        }
        if place == CSV:
            resource |= {
                "profile": "tabular-data-resource",
                "encoding": "utf-8",
                "schema": {
                    "fields": [_field(column, language) for column in columns],
                    "missingValues": [""],
                    "primaryKey": columns[0].name,
                },
            }
        elif place.startswith(f"{RESULTS}/"):
            about, fields = results[path.stem]
            resource |= {
                "profile": "tabular-data-resource",
                "description": about,
                "encoding": "utf-8",
                "schema": {"fields": fields, "missingValues": [""]},
            }
        else:
            resource["profile"] = "data-resource"
        resources.append(resource)
    return {
        "profile": "data-package",
        "name": _package_name(source.study.name),
        "title": title,
        "description": notice or title,
        "version": source.run.run_id,
        "resources": resources,
    }


def _package_name(text: str) -> str:
    """Give a name as packages may have it: small letters, digits, points, hyphens and underscores."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9._]+", "-", plain).strip("-") or "study"


def _field(column: Column, language: str) -> dict[str, Any]:
    field: dict[str, Any] = {
        "name": column.name,
        "type": _TYPES.get(column.kind, "string"),
        "title": worded(column.labels, language, column.path),
    }
    if column.kind == "moment":
        field["format"] = "%Y-%m-%dT%H:%M:%S"
    if column.levels:
        field["constraints"] = {"enum": [level.value for level in column.levels]}
        field["categories"] = [
            {"value": level.value, "label": worded(level.labels, language, level.value)} for level in column.levels
        ]
    return field


def _results(folder: Path) -> dict[str, tuple[str, list[dict[str, str]]]]:
    """Say of each table of results what it is, and of its columns: as the DuckDB file does."""
    with duckdb.connect(str(folder / DUCKDB), read_only=True) as con:
        found: dict[str, tuple[str, list[dict[str, str]]]] = {
            name: (comment, [])
            for name, comment in con.execute(
                "select table_name, comment from duckdb_tables() where schema_name = ?", [RESULTS]
            ).fetchall()
        }
        for table, name, kind, comment in con.execute(
            "select table_name, column_name, data_type, comment from duckdb_columns() where schema_name = ?"
            " order by table_name, column_index",
            [RESULTS],
        ).fetchall():
            found[table][1].append({"name": name, "type": _OF_DUCKDB.get(kind, "string"), "description": comment})
    return found


def _languages(source: Source) -> list[str]:
    """Give the languages of the form's questions; ``default`` where it has no other."""
    found = {language for question in source.questions for language in question.labels}
    return sorted(found - {"default"}) or ["default"]


def _questionnaire(source: Source, prepared: Prepared) -> str:
    """Write what was asked, in every language of the form.

    Choices are listed of questions that are released only: a roster of people or places is a list too.
    """
    languages = _languages(source)
    released = {column.path.partition("#")[0]: column for column in prepared.columns}
    lines = [f"# {source.study.name}", ""]
    lines += [f"**{language}**: {text}  " for language, text in source.study.title.items()]
    lines += ["", f"Form `{source.study.form_id}`, version {', '.join(source.run.forms)}.", ""]
    for question in source.questions:
        if not question.labels and question.path not in released:
            continue
        lines += [f"## `{question.path}`", "", f"{question.type.value}, privacy {question.privacy}", ""]
        lines += _texts(question.labels, languages)
        column = released.get(question.path)
        if question.list_name and column is not None and not column.is_place:
            lines += ["", *_choices(source.offered.get(question.list_name, {}), languages)]
        lines.append("")
    return "\n".join(lines)


def _texts(labels: Texts, languages: Iterable[str]) -> list[str]:
    return [
        f"- {language}: {plain_label(labels[language])}" for language in (*languages, "default") if language in labels
    ]


def _choices(offered: Mapping[str, Texts], languages: Sequence[str]) -> list[str]:
    rows = [f"| value | {' | '.join(languages)} |", f"|---{'|---' * len(languages)}|"]
    for value, labels in offered.items():
        words = " | ".join(worded(labels, language, value).replace("|", "\\|") for language in languages)
        rows.append(f"| `{value}` | {words} |")
    return rows


def _codebook(
    columns: Sequence[Column],
    told: Mapping[str, Any],
    cuts: Sequence[Cut],
    language: str,
    *,
    title: str,
    notice: str,
) -> str:
    from markupsafe import Markup

    pages = environment(escape=True)
    style = read_beside(pages, "codebook.css")
    withheld = {line["name"]: line["withheld"] for line in (*told["quasi"], *told["other"])}
    cut = {column.name: sorted({item.program for item in cuts if item.column == column.name}) for column in columns}
    return pages.get_template(CODEBOOK).render(
        language=language,
        title=title,
        notice=notice,
        style=Markup(style),  # noqa: S704 - our own file
        style_hash=hash_of(style),
        columns=columns,
        records=told["records"],
        run_id=told["run_id"],
        empty={column.name: int(column.empty().sum()) for column in columns},
        withheld=withheld,
        cut=cut,
        word=lambda labels, fallback="": worded(labels, language, fallback),
        kind=lambda column: KINDS[column.kind][language],
    )
