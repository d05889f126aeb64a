"""When the field is told something: what is wrong with which record, and which form to fill from now on.

No work is done here. Both flows speak to Central only; a run that takes records in may be at work, and is waited for.
"""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from study_flow import PATIENCE_SECONDS, in_markdown, settings_for, telling

from laktasi.errors import LaktasiError
from laktasi.feedback import give_feedback, lines_of
from laktasi.publishing import publish_forms


@flow(name="feedback")
def feedback(project: str | None = None, data: str | None = None, send: bool | None = None) -> None:
    """Say back to Central what is wrong with which record.

    Parameters
    ----------
    send
        Write; otherwise only tell what would be written. As ``feedback.send`` in laktasi.toml says, if not given.
    """
    with telling(project, data) as known:
        settings = known.settings = settings_for(project, data, None)
        if not settings.central:  # phones alone: the to-do lists are what reaches the enumerators
            return
        told = give_feedback(
            settings, send=settings.feedback.send if send is None else send, patience_seconds=PATIENCE_SECONDS
        )
        create_markdown_artifact(
            key="feedback", markdown=in_markdown(lines_of(told)), description="What Central was told"
        )
        for error in told.broken_off.values():
            raise error


@flow(name="publish")
def publish(project: str | None = None, data: str | None = None, source: str | None = None) -> list[str]:
    """Publish those of the project's forms that a Central does not have yet; give their ids."""
    said: list[str] = []
    try:
        return publish_forms(settings_for(project, data, None), source=source, tell=said.append)
    except LaktasiError as error:
        said.append(f"Error: {error}")
        raise
    finally:
        create_markdown_artifact(key="publish", markdown=in_markdown(said), description="What became of the forms")
