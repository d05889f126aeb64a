"""What can be wrong with a project, its data folder and this machine: one small function for each thing.

Nothing is changed, and nothing is relied on: where the settings cannot be read, that is the first finding, and all that
can be looked at without them still is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from laktasi.doctor import care, configuration, machine, programs, service, warehouse
from laktasi.doctor.finding import Finding, of_error, wrong
from laktasi.doctor.patient import Look, Patient, admit
from laktasi.errors import LaktasiError

__all__ = ["LOOKS", "Finding", "Patient", "examine"]

LOOKS: tuple[Look, ...] = (
    programs.look_at_python,
    programs.look_at_packages,
    programs.look_at_extensions,
    programs.look_at_checkout,
    configuration.look_at_settings,
    configuration.look_at_secrets,
    configuration.look_at_private_file,
    configuration.look_at_key,
    configuration.look_at_messages,
    machine.look_at_clock,
    machine.look_at_time_zone,
    machine.look_at_data_folder,
    machine.look_at_room,
    machine.look_at_cloud,
    warehouse.look_at_warehouse,
    warehouse.look_at_research,
    configuration.look_at_phones,
    configuration.look_at_project,
    configuration.look_at_centrals,
    service.look_at_service,
    service.look_at_prefect,
    care.look_at_backup_folder,
    care.look_at_backups,
)


def examine(project: Path | None = None, data: Path | None = None) -> Iterator[Finding]:
    """Look at everything, one thing after the other.

    Parameters
    ----------
    project
        Its folder; the checkout itself when not given.
    data
        The data folder; that of the settings when not given.
    """
    patient = admit(project, data)
    for look in LOOKS:
        yield from safely(look, patient)


def safely(look: Look, patient: Patient) -> Iterator[Finding]:
    """Look at one thing; a look that breaks is itself a finding, and the next one follows."""
    name = look.__name__.removeprefix("look_at_").replace("_", " ")
    try:
        yield from look(patient)
    except LaktasiError as error:
        yield of_error(name, error)
    except ImportError as error:
        yield wrong(name, f"the package {error.name} is not installed or broken", programs.INSTALL)
    except Exception as error:  # whatever is broken, the other looks follow
        yield wrong(
            name,
            f"this could not be looked at ({type(error).__name__})",
            "if nothing else above explains it, this is a fault of laktasi: tell those who maintain it",
        )
