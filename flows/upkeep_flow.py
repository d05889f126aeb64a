"""What keeps the data safe, beside what is done with them."""

from __future__ import annotations

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from study_flow import in_markdown, settings_for, telling

from laktasi.backing_up import back_up
from laktasi.cli.backup import lines_of


@flow(name="backup")
def backup(project: str | None = None, data: str | None = None) -> None:
    """Copy all that cannot be made again to the folder that backup.folder in laktasi.toml names, and read it back."""
    with telling(project, data) as told:
        settings = told.settings = settings_for(project, data, None)
        if settings.backup.folder is None:
            lines = [
                "nothing is backed up: no folder is set",
                "Next: set folder in the section [backup] of laktasi.toml",
            ]
        else:
            lines = lines_of(back_up(settings))
        create_markdown_artifact(key="backup", markdown=in_markdown(lines), description="What was backed up")
