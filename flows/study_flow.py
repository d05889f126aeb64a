"""When and in what order: the way of a record, and its parts, as Prefect flows.

No work is done here: a task calls one step of :mod:`laktasi.pipeline`. Nothing is retried here either: a server is
asked again where it is known what may be asked twice, and a source that stays away is caught up by the next run.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect import flow, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE

from laktasi import pipeline
from laktasi.notifying import notify_after
from laktasi.service.reading import what_to_read, write_findings
from laktasi.settings import Settings, read_settings
from laktasi.summary import summary, tables

PATIENCE_SECONDS = 30 * 60
"""How long a scheduled run waits for one that is at work in the same data folder, by hand or by schedule."""

progress: pipeline.Progress = pipeline.silent
"""How progress is shown. The command line sets it for the person who waits; behind a worker nobody does."""
is_watched = False
"""Whether somebody waits for the end, so that nobody need be told of it. The command line sets it."""


def as_task(step: pipeline.Step, run: pipeline.Run, shown: pipeline.Progress) -> pipeline.Counts:
    """Run one step as a Prefect task; results stay in memory, so no answer is written to Prefect's home."""
    step_task = task(name=step.name, cache_policy=NO_CACHE, persist_result=False)(step.work)
    shown(step.name, 0, None)
    return step_task(run, shown)


def walk(steps: tuple[pipeline.Step, ...], project: str | None, data: str | None, phones: list[str] | None) -> str:
    """Walk some steps of the way and leave what a data manager reads in the Prefect UI; give the run's id."""
    with telling(project, data) as told:
        settings = told.settings = settings_for(project, data, phones)
        run = pipeline.walk(
            settings, steps, door="prefect", call=as_task, progress=progress, patience_seconds=PATIENCE_SECONDS
        )
        told.run_id = run.run_id
        if pipeline.CLOSE in steps[:-1]:  # not of a run that only lands: what people read is as it was
            create_markdown_artifact(
                key="run", markdown=in_markdown(summary(settings)), description="What this run did"
            )
            write_findings(settings)
            create_markdown_artifact(key="read", markdown=what_to_read(settings), description="What to open now")
            for key, (description, rows) in tables(settings).items():
                create_table_artifact(key=key, table=rows, description=description)
    return run.run_id


@dataclass
class Told:
    """What is known of a flow run when people are told of it."""

    settings: Settings | None = None
    run_id: str | None = None


@contextmanager
def telling(project: str | None, data: str | None) -> Iterator[Told]:
    """Tell people how it ended, where that matters."""
    told, failure = Told(), None
    try:
        yield told
    except BaseException as error:
        failure = error
        raise
    finally:
        notify_after(
            told.settings,
            told.run_id,
            failure,
            door="cli" if is_watched else "prefect",
            project=Path(project) if project else None,
            data=Path(data) if data else None,
        )


def settings_for(project: str | None, data: str | None, phones: list[str] | None) -> Settings:
    """Read the settings; accounts that stand in Prefect's blocks are used where the settings have none.

    A Secret block called ``laktasi-central-<source>`` (``laktasi-central-central`` where laktasi.toml names none) holds
    ``{"email": …, "password": …}``.
    """
    settings = read_settings(Path(project) if project else None, data=data, phones=phones)
    blocks = {
        name: account
        for name, central in settings.central.items()
        if central.password is None and (account := account_in_block(f"laktasi-central-{name}"))
    }
    return settings.with_accounts(blocks)


def account_in_block(name: str) -> Any:
    """Give what a Secret block holds, as JSON or as text of it; None where there is no such block."""
    from prefect.blocks.system import Secret

    try:
        block = Secret.load(name.replace("_", "-"))
    except ValueError:  # Prefect's way of saying that there is no such block
        return None
    assert isinstance(block, Secret)
    value = block.get()
    with suppress(TypeError, ValueError):  # what is no account is said by the settings
        return json.loads(value)
    return value


def in_markdown(lines: list[str]) -> str:
    """Keep lines as they stand."""
    return "\n".join(["```", *lines, "```"])


@flow(name="study")
def study(project: str | None = None, data: str | None = None, phones: list[str] | None = None) -> str:
    """Everything: from the sources to the report."""
    return walk(pipeline.WAY, project, data, phones)


@flow(name="land")
def land(project: str | None = None, data: str | None = None, phones: list[str] | None = None) -> str:
    """Only take in what the sources have, and prove it: cheap, and safe to run often."""
    return walk(pipeline.LANDING, project, data, phones)


@flow(name="reconcile")
def reconcile(project: str | None = None, data: str | None = None) -> str:
    """Prove the mirror of each Central from the ground: no ETag is believed, every submission's files are looked at."""
    return walk(pipeline.PROVING, project, data, None)


@flow(name="analyse")
def analyse(project: str | None = None, data: str | None = None) -> str:
    """Only work on what has landed: checks, analysis, research copy and report, without asking any source."""
    return walk(pipeline.ANALYSING, project, data, None)
