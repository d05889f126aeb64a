"""Errors a person can act on, and the one place where exit codes stand.

Anything a user can cause is a :class:`LaktasiError`: the command line prints its lines and exits with its code,
without a traceback. Anything else is a fault of ours and keeps its traceback.
"""

from __future__ import annotations


class LaktasiError(Exception):
    """Something a user can mend.

    Parameters
    ----------
    what
        The object and what is wrong with it: a file, a setting, a column, a rule. Never a respondent's answer or name.
    why
        What follows from it, or how it was noticed. May be empty.
    next_step
        What to do or type next.
    """

    exit_code = 1

    def __init__(self, what: str, *, why: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.next_step = next_step

    def __str__(self) -> str:
        return "\n".join(line for line in (self.what, self.why, self.next_step and f"Next: {self.next_step}") if line)


class SettingsError(LaktasiError):
    """A setting, or a file that holds settings, cannot be used."""

    exit_code = 2


class QuestionnaireError(LaktasiError):
    """An XLSForm or XForm cannot be read, or says something that cannot hold."""

    exit_code = 3


class SourceError(LaktasiError):
    """A source (a phone's folder, a Central server) cannot be read."""

    exit_code = 4


class WarehouseError(LaktasiError):
    """The warehouse cannot be opened, is busy, or is newer than this code."""

    exit_code = 5


class CheckError(LaktasiError):
    """A check cannot be run: an unknown check, column or parameter, or a suite that would see nothing."""

    exit_code = 6


class StudyError(LaktasiError):
    """schemas/study.yml does not fit the questionnaire, or the analysis cannot be done as it asks."""

    exit_code = 7


class GateError(LaktasiError):
    """Findings are open that schemas/gates.yml lets stop the publication."""

    exit_code = 9


class MirrorError(LaktasiError):
    """The warehouse is not what a Central has, and asking again did not mend it."""

    exit_code = 8


class VerifyError(LaktasiError):
    """A manifest cannot be read, or computing it anew gives something else."""

    exit_code = 10


class ReleaseError(LaktasiError):
    """schemas/release.yml cannot be followed, or what was written by it would break it."""

    exit_code = 11


class DoctorError(LaktasiError):
    """The doctor found something that is wrong."""

    exit_code = 12


class BackupError(LaktasiError):
    """A backup cannot be written or restored, or is not what its listing says."""

    exit_code = 13


class ForgottenError(LaktasiError):
    """A manifest cannot be computed anew as it was: people whose records it counts have left the study since.

    Neither the same nor wrong: whoever asks is told which of the two cannot be known.
    """

    exit_code = 14
