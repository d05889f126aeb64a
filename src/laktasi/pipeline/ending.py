"""The steps that end a run: the gate, its manifest, the research copy and the report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.forms import known_forms
from laktasi.pipeline.walking import Counts, Progress, Run, Step
from laktasi.settings import Settings
from laktasi.study import read_study

if TYPE_CHECKING:
    import duckdb


def pass_gate(run: Run, _progress: Progress) -> Counts:
    """Stop here, before anything is published, where schemas/gates.yml says so, or rows are as none may be."""
    from laktasi import quality
    from laktasi.store.lake import check_constraints

    with run.warehouse() as con:
        check_constraints(con)
        quality.pass_gate(con)
    return {}


def write_down(run: Run, sources: Sequence[Step], work: Sequence[Step]) -> Counts:
    """Write down what the run did and that it ended well; what is published next names it.

    Parameters
    ----------
    sources, work
        The steps of the way that land, and those that compute: what they had to tell is what is written.
    """
    from laktasi.store import runs
    from laktasi.store.changes import record_changes
    from laktasi.store.manifests import public_part, write_manifest
    from laktasi.store.run_results import write_by_centre
    from laktasi.store.sql import transaction

    has_analysed = "analyse" in run.told
    landings = [run.told.get(step.name, {}) for step in sources]
    counts: dict[str, int | str | None] = {
        "landed": sum(told.get("new", 0) for told in landings),
        "refused": sum(told.get("new_refused", 0) for told in landings),
    }
    for step in work:
        told = run.told.get(step.name, {})
        counts |= {name: told[name] for name in runs.COUNTS if name in told}
    told_of = {
        "steps": {name: _without_file_names(told) for name, told in run.told.items()},
        "unreached": run.unreached,
    }
    with run.warehouse() as con:
        if not has_analysed:
            forms = known_forms(con).questionnaires.items()
            told_of["forms"] = {f"{form_id} {version}": item.sha256 for (form_id, version), item in forms}
            runs.finish(con, run.run_id, counts, told_of)
            return counts
        # Before the run is finished: a finished run has its manifest, and that the file whose hash it holds.
        folder = run.settings.data_folder.manifests
        asked = [step.name for step in sources if step.name in run.told]
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

    with run.warehouse() as con:
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


def _without_file_names(told: Counts) -> Counts:
    """Count refusals by reason: the manifest is published, and people name files as they like."""
    if "refusals" not in told:
        return told
    return {**told, "refusals": dict(Counter(reason for _, reason in told["refusals"]))}
