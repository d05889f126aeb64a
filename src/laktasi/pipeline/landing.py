"""The steps that land: what the project, the phones and each Central have comes into ``raw``, and is proven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from laktasi.errors import MirrorError, SourceError
from laktasi.forms import project_forms
from laktasi.pipeline.walking import Counts, Progress, Run
from laktasi.records import FieldedForm, Refused, Submission

if TYPE_CHECKING:
    from laktasi.mirror import Mirror
    from laktasi.store.mirror import Line


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


def _land(run: Run, items: Iterable[Submission | Refused | FieldedForm], source: str, progress: Progress) -> Counts:
    from laktasi.store.raw import land

    with run.warehouse() as con:
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
                run.warehouse() as con,
                mirroring(con, run.settings.data_folder, central, run.run_id, progress, told) as mirror,
            ):
                work(mirror)
        except SourceError as error:
            run.unreached[name] = error.what
    return told
