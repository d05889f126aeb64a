"""How often answers differ when somebody else asks again: error rates of back checks, by group and type."""

from __future__ import annotations

from laktasi.back_checks import BackChecks, read_back_checks
from laktasi.errors import CheckError
from laktasi.quality.kinds.model import DeclaredCheck, Kind, Parameter, number, one_of, text, whole
from laktasi.quality.scene import Scene
from laktasi.store.sql import literal, select_from_file

AT_LEAST_INTERVIEWS = 5


def _measure(check: DeclaredCheck, scene: Scene) -> str:
    """Give the lower end of each group's interval, as marts.back_check_rates has it, over the interviews of `where`."""
    declared = _declared(check, scene)
    variable, kind = check.parameters["variable"], check.parameters["type"]
    if declared.original.form_id != scene.form_id:
        raise CheckError(
            f"checks.yml: check {check.id!r}: back checks are of the form {declared.original.form_id!r}",
            next_step="name that form in schemas/checks.yml",
        )
    if variable is not None and (
        variable not in declared.variables or kind not in (None, declared.variables[variable].type)
    ):
        of_type = f" of type {kind}" if kind else ""
        raise CheckError(
            f"checks.yml: check {check.id!r}: schemas/back_checks.yml compares no variable {variable!r}{of_type}",
            why=f"It compares: {', '.join(declared.variables)}.",
            next_step="correct the check in schemas/checks.yml",
        )
    among = f"select r._submission_id from {scene.rows()} where {scene.where(check)}"
    pairs = f"(select * from marts.back_check_pairs where original_id in ({among})) as pairs"
    wanted = f"variable is not distinct from {literal(variable)}"
    if kind is not None:
        wanted += f" and type = {kind}"
    group = check.parameters["by"]
    few = f"interviews < {check.parameters['at_least_interviews']}"
    return f"""
        select
            concat('{group}:', code) as _row,
            case when not {few} then ci_low end as value,
            interviews as n
        from ({select_from_file("marts", "back_check_rates", pairs=pairs)})
        where kind = '{group}' and {wanted}
    """


def _verify(check: DeclaredCheck) -> None:
    # A rate over all types would hide a bad one behind good ones.
    if check.parameters["type"] is None and check.parameters["variable"] is None:
        raise ValueError("needs 'type' or 'variable'")


def _declared(check: DeclaredCheck, scene: Scene) -> BackChecks:
    declared = read_back_checks(scene.folder / "back_checks.yml") if scene.folder else None
    if declared is None:
        raise CheckError(
            f"checks.yml: check {check.id!r} is about back checks, and the project has none",
            why="Such a check would look at nothing and seem to pass.",
            next_step="write schemas/back_checks.yml, or take the check out",
        )
    return declared


KINDS = (
    Kind(
        name="back_check_rate",
        level="group",
        parameters=(
            Parameter("by", one_of("enumerator", "checker", "centre", "all"), default="enumerator"),
            Parameter("type", whole(low=1, high=3)),
            Parameter("variable", text),
            Parameter("at_most", number(low=0, high=1), required=True),
            Parameter("at_least_interviews", whole(low=1), default=AT_LEAST_INTERVIEWS),
        ),
        names=lambda _check: (),
        measure=_measure,
        limits=lambda check: (None, check.parameters["at_most"]),
        verify=_verify,
    ),
)
