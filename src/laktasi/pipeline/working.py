"""The steps that compute: from what has landed and what people declared and decided to results."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from laktasi import back_checking, inclusion
from laktasi.back_checks import read_back_checks
from laktasi.errors import StudyError
from laktasi.forms import known_forms
from laktasi.pipeline.walking import Counts, Progress, Run
from laktasi.study import read_study
from laktasi.targets import read_targets


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
    with run.warehouse() as con:
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

    with run.warehouse() as con:
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

    with run.warehouse() as con:
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
    with run.warehouse() as con:
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
    with run.warehouse() as con:
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
    with run.warehouse() as con:
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
    with run.warehouse() as con:
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
    with run.warehouse() as con:
        questionnaires = known_forms(con).questionnaires
        analysing.analyse(con, run.run_id, study, questionnaires, run.settings, progress)
        analysed_rows, analysed_hash = analysed_set(con)
        back_checking.measure(con, run.settings.folders, questionnaires)
    return {"pairs": len(study.analyses), "analysed_rows": analysed_rows, "analysed_hash": analysed_hash}
