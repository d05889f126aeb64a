"""The way of a record, step by step. The only file that knows all rooms; the flows and the command line both call it.

A step opens the warehouse, does one thing in it and closes it again. Each is idempotent and reads only what earlier
steps have committed, so a run that was killed anywhere is finished by the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi import __version__, back_checking, inclusion
from laktasi.back_checks import read_back_checks
from laktasi.errors import MirrorError, SourceError, StudyError, WarehouseError
from laktasi.forms import known_forms, project_forms
from laktasi.records import FieldedForm, Refused, Submission
from laktasi.settings import Settings
from laktasi.study import read_study
from laktasi.targets import read_targets
from laktasi.workplace import PATIENCE_SECONDS, alone, code_version, opened

if TYPE_CHECKING:
    import duckdb

    from laktasi.mirror import Mirror
    from laktasi.store.mirror import Line

TURN_PATIENCE_SECONDS = 60 * 60
"""How long a run that has landed waits for another worker that computes on the same lake."""

Counts = Mapping[str, Any]
"""What a step has to tell: counts and ids, never an answer."""

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how many are done, and how many there are if that is known."""


def silent(_what: str, _done: int, _total: int | None) -> None:
    """Show no progress."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its id, who started it, the settings it works by, and what its steps had to tell so far."""

    run_id: str
    door: str
    """``cli``, ``prefect``, or ``import`` for a run that only lands."""
    settings: Settings
    told: dict[str, Counts] = field(default_factory=dict)
    """By name of the step."""
    unreached: dict[str, str] = field(default_factory=dict)
    """Sources that could not be reached, and why: a run without a network goes on with what has landed."""
    day: date = field(default_factory=date.today)
    """The day by which people's decisions expire."""
    as_of: datetime | None = None
    """The moment of which it knows no more than was known then; None for what is known now."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way."""

    name: str
    work: Callable[[Run, Progress], Counts]
    lands: bool = False
    """Whether it only appends to ``raw``, which workers that share a warehouse may do side by side."""


Call = Callable[[Step, Run, Progress], Counts]
"""How a step is called: directly, or as a Prefect task."""


def directly(step: Step, run: Run, progress: Progress) -> Counts:
    """Call a step as it is."""
    progress(step.name, 0, None)
    return step.work(run, progress)


def walk(
    settings: Settings,
    steps: Iterable[Step],
    *,
    door: str,
    call: Call = directly,
    progress: Progress = silent,
    patience_seconds: float = PATIENCE_SECONDS,
    **moment: Any,
) -> Run:
    """Walk some steps of the way as one run.

    Parameters
    ----------
    steps
        `WAY`, or one of its parts.
    door
        Who walks: written to meta.runs.
    call
        How a step is called.
    patience_seconds
        How long to wait for a run that is at work in the same data folder.
    moment
        `day` and `as_of` of the :class:`Run`, where it is not about what is known now.

    Returns
    -------
    Run
        What the steps had to tell.

    Raises
    ------
    LaktasiError
        Something a user can mend. What had been committed stays, and the next run goes on from there.
    """
    from laktasi.store import runs

    settings.data_folder.check_own()
    with alone(settings.data_folder, patience_seconds) as hold:
        with opened(settings.data_folder) as con:
            run_id = runs.begin(con, door, laktasi_version=__version__, code_version=code_version(), hold=hold)
        run = Run(run_id, door, settings, **moment)
        try:
            for step in steps:
                if step.lands:
                    hold.give()
                else:
                    hold.take(TURN_PATIENCE_SECONDS)
                run.told[step.name] = call(step, run, progress)
        except BaseException:
            # What failed is told, not that it could not be written down (the disk is full, say): the next run marks
            # a run that still stands as running as interrupted.
            with suppress(WarehouseError, OSError), opened(settings.data_folder) as con:
                runs.fail(con, run_id)
            raise
    return run


# The steps, in the order in which they happen.


def land_forms(run: Run, progress: Progress) -> Counts:
    """Keep the project's own questionnaires: each version that was ever in xlsforms/, by hash."""
    from laktasi.store.media import PROJECT

    return _land(run, project_forms(run.settings.folders), PROJECT, progress)


def land_phones(run: Run, progress: Progress) -> Counts:
    """Take in the folders that were copied from phones. One that cannot be read does not keep the others out."""
    from laktasi.odk.instances import read_folder

    total: Counter[str] = Counter()
    lists: dict[str, tuple[Any, ...]] = {}
    for folder in run.settings.phones:
        try:
            told = _land(run, read_folder(folder, progress=progress), "phones", progress)
        except SourceError as error:
            # Published with the manifest: the folder's name, not its place on this machine.
            run.unreached[f"phones/{folder.name}"] = error.what.replace(str(folder), folder.name)
            continue
        total.update({name: value for name, value in told.items() if isinstance(value, int)})
        lists |= {name: lists.get(name, ()) + value for name, value in told.items() if isinstance(value, tuple)}
    return {**total, **lists}


def pull_central(run: Run, progress: Progress) -> Counts:
    """Read what changed on each Central. One that cannot be reached does not keep the others out."""
    return _on_each_central(run, progress, lambda mirror: mirror.pull())


def reconcile(run: Run, progress: Progress) -> Counts:
    """Prove that the warehouse has what each Central has, and read what is missing."""
    return _reconcile(run, progress, thorough=False)


def reconcile_thoroughly(run: Run, progress: Progress) -> Counts:
    """The same, believing no ETag, and looking at the files of every submission again."""
    return _reconcile(run, progress, thorough=True)


def _reconcile(run: Run, progress: Progress, *, thorough: bool) -> Counts:
    lines: list[Line] = []
    told = _on_each_central(run, progress, lambda mirror: lines.extend(mirror.reconcile(thorough=thorough)))
    if wrong := [line for line in lines if not line.is_true]:
        raise MirrorError(
            "; ".join(
                f"{line.form_id} on {line.source}: server {line.server}, warehouse {line.warehouse},"
                f" missing {line.missing}, extra {line.extra}"
                for line in wrong
            ),
            why="Asking the server again did not make both sides equal. What has landed stays; this run stops here.",
            next_step="run again; if the line stays, see docs/central.md and keep the data folder as it is",
        )
    return {**told, "lines": [asdict(line) for line in lines]} if lines else told


def declare(run: Run, _progress: Progress) -> Counts:
    """Read what schemas/ declares: a slip in it is told before the long work, and after everything has landed."""
    from laktasi.quality import read_checks, read_gates
    from laktasi.release.rule import read_rule
    from laktasi.yamlfile import refuse_unread

    folders = run.settings.folders
    read = (folders.study, folders.checks, folders.gates, folders.targets, folders.back_checks, folders.release)
    refuse_unread(folders.checks.parent, {path.name for path in read})
    read_study(folders.study)
    read_checks(folders.checks)
    read_gates(folders.gates)
    read_targets(folders.targets)
    read_back_checks(folders.back_checks)
    read_rule(folders.release)
    return {}


def decide(run: Run, _progress: Progress) -> Counts:
    """Keep people's new decisions, once it is sure that they speak of what there is."""
    from laktasi.forgetting.seeking import about
    from laktasi.quality.decision_checks import check_decisions
    from laktasi.quality.decisions import read_decisions
    from laktasi.store.decisions import land_decisions, not_landed

    standing = read_decisions(run.settings.folders.corrections)
    with _warehouse(run) as con:
        # Whoever left is not brought back by a decision either, out of another copy of the project perhaps.
        is_theirs = about(con)
        theirs = {decision.id for decision in standing if is_theirs(decision)}
        decided = [decision for decision in standing if not {decision.id, decision.withdraws} & theirs]
        new = not_landed(con, [decision.as_row() for decision in decided])
        # Where no form is known yet, nothing has come in that they could be about: they wait in their files.
        if new and (questionnaires := known_forms(con).questionnaires):
            check_decisions(con, {row["decision_id"] for row in new}, decided, questionnaires)
            land_decisions(con, run.run_id, new)
    left = {"forgotten_decisions": len(standing) - len(decided)} if len(decided) < len(standing) else {}
    return {"decided": len(decided), "new_decisions": len(new), **left}


def read(run: Run, progress: Progress) -> Counts:
    """Resolve edits, and read the answers of what is new or changed."""
    from laktasi.questionnaire import codebook
    from laktasi.secret import known_key
    from laktasi.store import answers, audit_log, corrections, entities, staging, submissions

    with _warehouse(run) as con:
        forms = known_forms(con)
        counts = submissions.resolve(con, forms.questionnaires)
        corrections.set_back(con, forms.questionnaires, known_key(run.settings.data_folder))
        loaded = answers.load_answers(con, forms.questionnaires, progress=progress)
        staging.stand_lists(con, forms.questionnaires, codebook.entries(list(forms.questionnaires.values())))
        logs = audit_log.load_audit_log(con, run.settings.data_folder, progress=progress)
        entities.stand_entities(con)
    return {
        **counts,
        "read": loaded.read,
        "audit_logs": asdict(logs),
        "conflicting_versions": [f"{item.form_id} {item.form_version}" for item in forms.conflicts],
        "conflicting_media": [f"{item.name} for {item.form_id} {item.form_version}" for item in forms.media_conflicts],
        "forms_set_aside": [f"{item.form_id} {item.form_version} ({item.why})" for item in forms.set_aside],
        "missing_media": [
            f"{name} for {item.form_id} {item.version}"
            for item in forms.questionnaires.values()
            for name in item.missing_media
        ],
    }


def correct(run: Run, _progress: Progress) -> Counts:
    """Apply people's decisions to what was read, and compute anew what follows from it."""
    from laktasi.questionnaire.recompute import recompute_sql
    from laktasi.secret import known_key
    from laktasi.store.corrections import correct as apply
    from laktasi.store.decisions import has_decisions

    with _warehouse(run) as con:
        if not has_decisions(con):
            return {}
        key = known_key(run.settings.data_folder)
        return asdict(apply(con, known_forms(con).questionnaires, recompute_sql, key, run.day))


def forget(run: Run, _progress: Progress) -> Counts:
    """Erase what has come back of people who left the study."""
    from laktasi.forgetting import sweep
    from laktasi.store.submissions import count_states

    if run.settings.data_folder.origin is not None:
        return {}  # derived from a warehouse where that is done
    with _warehouse(run) as con:
        told: dict[str, Any] = sweep(con, run.settings, run.run_id)
        if told.get("forgotten_again"):
            told |= count_states(con)
    return told


def clean(run: Run, progress: Progress) -> Counts:
    """Finish what an erasure has left to be done, once all that is derived is made anew: old bytes go with the file."""
    from laktasi.forgetting import finish_left

    return {} if run.settings.data_folder.origin is not None else finish_left(run.settings, progress)


def stand(run: Run, _progress: Progress) -> Counts:
    """Set up the typed tables, say who was asked by whom, where and when, and compare what was asked twice."""
    from laktasi.store import marts, people, staging

    study = read_study(run.settings.folders.study)
    with _warehouse(run) as con:
        questionnaires = known_forms(con).questionnaires
        if study and not any(form_id == study.form_id for form_id, _ in questionnaires):
            raise StudyError(
                f"study.yml is about the form {study.form_id!r}, of which no version is known",
                next_step="put its XLSForm into xlsforms/, or correct `form` in study.yml",
            )
        stood = staging.stand(con, questionnaires)
        marts.build_interviews(con, study, inclusion.included(study, questionnaires), questionnaires)
        people.stand_targets(con, read_targets(run.settings.folders.targets), study, questionnaires)
        repeated = back_checking.compare(con, run.settings.folders, questionnaires)
    return {
        "changed_types": [f"{item.table_name}.{item.column_name}" for item in stood.type_changes],
        "versions_left_out": inclusion.left_out(study, questionnaires)
        + back_checking.left_out(run.settings.folders, questionnaires),
        "back_checks": dict(repeated),
    }


def check(run: Run, progress: Progress) -> Counts:
    """Check every answer by its questionnaire and by schemas/checks.yml."""
    from laktasi import quality

    declared = quality.read_checks(run.settings.folders.checks)
    gates = quality.read_gates(run.settings.folders.gates)
    study = read_study(run.settings.folders.study)
    with _warehouse(run) as con:
        questionnaires = known_forms(con).questionnaires
        summary = quality.check(
            con,
            run.run_id,
            questionnaires,
            declared,
            gates=gates,
            study=study,
            schemas=run.settings.folders.checks.parent,
            progress=progress,
        )
    return asdict(summary)


def mart(run: Run, _progress: Progress) -> Counts:
    """Say who counts, and as what; and how the work goes."""
    from laktasi.store import marts, people

    study = read_study(run.settings.folders.study)
    with _warehouse(run) as con:
        questionnaires = known_forms(con).questionnaires
        counts = asdict(marts.build_marts(con, study, questionnaires))
        people.build_people(con, study, questionnaires)
        return counts


def analyse(run: Run, progress: Progress) -> Counts:
    """Answer the study's questions for every centre and across them; and test what was asked twice."""
    from laktasi import analysing
    from laktasi.store.results import analysed_set

    study = read_study(run.settings.folders.study)
    if study is None:
        return {}
    with _warehouse(run) as con:
        questionnaires = known_forms(con).questionnaires
        analysing.analyse(con, run.run_id, study, questionnaires, run.settings, progress)
        analysed_rows, analysed_hash = analysed_set(con)
        back_checking.measure(con, run.settings.folders, questionnaires)
    return {"pairs": len(study.analyses), "analysed_rows": analysed_rows, "analysed_hash": analysed_hash}


def pass_gate(run: Run, _progress: Progress) -> Counts:
    """Stop here, before anything is published, where schemas/gates.yml says so, or rows are as none may be."""
    from laktasi import quality
    from laktasi.store.lake import check_constraints

    with _warehouse(run) as con:
        check_constraints(con)
        quality.pass_gate(con)
    return {}


def close(run: Run, _progress: Progress) -> Counts:
    """Write down what the run did and that it ended well; what is published next names it."""
    from laktasi.store import runs
    from laktasi.store.changes import record_changes
    from laktasi.store.manifests import public_part, write_manifest
    from laktasi.store.run_results import write_by_centre
    from laktasi.store.sql import transaction

    has_analysed = "analyse" in run.told
    landings = [run.told.get(step.name, {}) for step in SOURCES]
    counts: dict[str, int | str | None] = {
        "landed": sum(told.get("new", 0) for told in landings),
        "refused": sum(told.get("new_refused", 0) for told in landings),
    }
    for step in WORK:
        told = run.told.get(step.name, {})
        counts |= {name: told[name] for name in runs.COUNTS if name in told}
    told_of = {
        "steps": {name: _without_file_names(told) for name, told in run.told.items()},
        "unreached": run.unreached,
    }
    with _warehouse(run) as con:
        if not has_analysed:
            forms = known_forms(con).questionnaires.items()
            told_of["forms"] = {f"{form_id} {version}": item.sha256 for (form_id, version), item in forms}
            runs.finish(con, run.run_id, counts, told_of)
            return counts
        # Before the run is finished: a finished run has its manifest, and that the file whose hash it holds.
        folder = run.settings.data_folder.manifests
        asked = [step.name for step in SOURCES if step.name in run.told]
        by_centre = write_by_centre(con, run.run_id, folder)
        manifest = {**manifest_of(con, run), "asked": asked, "by_centre": by_centre}
        write_manifest(folder, manifest)
        study = read_study(run.settings.folders.study)
        with transaction(con):
            runs.finish(con, run.run_id, counts, told_of | public_part(manifest))
            if study is not None:
                record_changes(con, run.run_id, study.form_id, manifest)
    return counts


def manifest_of(con: duckdb.DuckDBPyConnection, run: Run, like: dict[str, Any] | None = None) -> dict[str, Any]:
    """Say what a run read, used and found, once it has analysed; to be compared with a manifest `like` it, if given."""
    from laktasi.store.manifests import SETTINGS, gather

    study = read_study(run.settings.folders.study)
    return gather(
        con,
        run.run_id,
        known_forms(con).questionnaires,
        day=run.day,
        as_of=run.as_of,
        study=study.name if study else None,
        schemas=run.settings.folders.study.parent,
        settings={name: getattr(run.settings, name) for name in SETTINGS},
        like=like,
    )


def publish(run: Run, _progress: Progress) -> Counts:
    """Publish the de-identified research copy."""
    from laktasi.store.changes import published
    from laktasi.store.lake import tidy
    from laktasi.store.publish import publish_research

    with _warehouse(run) as con:
        publish_research(con, run.settings.data_folder, known_forms(con).questionnaires)
        published(con, run.run_id)
        if (lake := run.settings.data_folder.lake) is not None:
            tidy(con, lake, lake.keep_days)
    return {}


def report(run: Run, _progress: Progress) -> Counts:
    """Write the report."""
    write_report(run.settings)
    return {}


def write_report(settings: Settings) -> Path:
    """Write the report from the research copy alone, and say where it is."""
    from laktasi.report import write_report as write
    from laktasi.store.warehouse import newest_research

    folder = settings.data_folder
    write(
        newest_research(folder.research), folder.report, read_study(settings.folders.study), language=settings.language
    )
    return folder.report


FORMS = Step("forms", land_forms, lands=True)
PHONES = Step("phones", land_phones, lands=True)
CENTRAL = Step("central", pull_central, lands=True)
RECONCILE = Step("reconcile", reconcile, lands=True)
SOURCES = (FORMS, PHONES, CENTRAL, RECONCILE)
READ = Step("read", read)
STAND = Step("stand", stand)
DECIDE = Step("decide", decide)
WORK = (
    Step("declare", declare),
    DECIDE,
    READ,
    Step("correct", correct),
    Step("forget", forget),
    STAND,
    Step("check", check),
    Step("mart", mart),
    Step("analyse", analyse),
    Step("clean", clean),
)
GATE = Step("gate", pass_gate)
CLOSE = Step("close", close)
READING = (Step("publish", publish), Step("report", report))

IMPORTING = (FORMS, PHONES, CLOSE)
LANDING = (*SOURCES, CLOSE)
PROVING = (FORMS, CENTRAL, Step("reconcile", reconcile_thoroughly, lands=True), CLOSE)
ANALYSING = (*WORK, GATE, CLOSE, *READING)
RECOMPUTING = tuple(step for step in WORK if step is not DECIDE)
"""From what has landed to results, people's decisions among it: schemas/corrections/ may have newer ones."""
AGAIN = (*RECOMPUTING, GATE, CLOSE, *READING)
WAY = (*SOURCES, *ANALYSING)


# What the steps share.


def _without_file_names(told: Counts) -> Counts:
    """Count refusals by reason: the manifest is published, and people name files as they like."""
    if "refusals" not in told:
        return told
    return {**told, "refusals": dict(Counter(reason for _, reason in told["refusals"]))}


def _warehouse(run: Run) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    return opened(run.settings.data_folder)


def _land(run: Run, items: Iterable[Submission | Refused | FieldedForm], source: str, progress: Progress) -> Counts:
    from laktasi.store.raw import land

    with _warehouse(run) as con:
        return asdict(land(con, run.settings.data_folder, items, run.run_id, source=source, progress=progress))


def _on_each_central(run: Run, progress: Progress, work: Callable[[Mirror], None]) -> Counts:
    """Do something with each mirror; where one breaks off, what had landed stays, and the next one follows."""
    from laktasi.mirror import mirroring

    told: dict[str, Any] = {}
    for name, central in run.settings.central.items():
        if name in run.unreached:
            continue
        try:
            with (
                _warehouse(run) as con,
                mirroring(con, run.settings.data_folder, central, run.run_id, progress, told) as mirror,
            ):
                work(mirror)
        except SourceError as error:
            run.unreached[name] = error.what
    return told
