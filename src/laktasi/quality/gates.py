"""schemas/gates.yml: which findings keep a record out of the accepted population, and which stop the publication."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from laktasi.errors import CheckError, GateError
from laktasi.quality.findings import RuleRow
from laktasi.yamlfile import read_yaml

if TYPE_CHECKING:
    import duckdb

SEVERITIES = ("error", "warning")
STOPPED_SHOWN = 5
"""Rules named when the publication stops; `laktasi findings` lists all."""


@dataclass(frozen=True, slots=True)
class Gates:
    """What open findings do. Without a file, errors keep records out and nothing stops the publication."""

    severities: tuple[str, ...] = ("error",)
    """Findings of these keep their record out of the accepted population."""
    also: tuple[str, ...] = ()
    """Rules that keep a record out whatever their severity."""
    without: tuple[str, ...] = ()
    """Rules that keep no record out whatever their severity."""
    stop: tuple[str, ...] = ()
    """Rules of which one open finding stops the publication."""

    def applied(self, rules: Iterable[RuleRow]) -> list[RuleRow]:
        """Say of each rule what its findings do.

        Raises
        ------
        CheckError
            gates.yml names a rule that nothing is checked by: it would seem to guard something.
        """
        rules = list(rules)
        known = {rule.rule_id for rule in rules}
        for rule_id in (*self.also, *self.without, *self.stop):
            if known and rule_id not in known:
                raise CheckError(
                    f"gates.yml names the rule {rule_id!r}, and nothing is checked by that name",
                    why="A gate that nobody guards would look like one that is open for good reason.",
                    next_step="correct the name in schemas/gates.yml; `laktasi sql 'from quality.rules'` lists them",
                )
        return [replace(rule, keeps_out=self._keeps_out(rule), stops=rule.rule_id in self.stop) for rule in rules]

    def _keeps_out(self, rule: RuleRow) -> bool:
        if rule.rule_id in self.without:
            return False
        return rule.severity in self.severities or rule.rule_id in self.also


def read_gates(path: Path) -> Gates:
    """Read gates.yml; without such a file, the gates that stand where nothing is declared.

    Raises
    ------
    CheckError
        The file is not YAML, has an unknown key, severity or shape, or says two things of one rule.
    """
    if not path.exists():
        return Gates()
    data = _mapping(path, "it", read_yaml(path, _wrong), ("keep_out", "stop"))
    keep_out = _mapping(path, "'keep_out'", data.get("keep_out", {}), ("severity", "also", "except"))
    if "severity" in keep_out and keep_out["severity"] is None:
        # Empty could mean the default or none at all; a gate must not be open by a slip.
        raise _wrong(path, "'severity' is empty; write [error], or [] to keep nothing out by it")
    severities = _names(path, "severity", keep_out.get("severity", ["error"]))
    if unknown := [name for name in severities if name not in SEVERITIES]:
        raise _wrong(path, f"unknown severity {unknown[0]!r}; known are {' and '.join(SEVERITIES)}")
    also, without = (_names(path, name, keep_out.get(name, [])) for name in ("also", "except"))
    if both := sorted(set(also) & set(without)):
        raise _wrong(path, f"the rule {both[0]!r} stands under both 'also' and 'except'")
    return Gates(severities, also, without, _names(path, "stop", data.get("stop", [])))


def pass_gate(con: duckdb.DuckDBPyConnection) -> None:
    """Let the publication go on, if no open finding stops it.

    Raises
    ------
    GateError
        One does. What was published last stays as it is.
    """
    stopping = con.execute(
        "select rule_id, count(*) from quality.findings where is_open and stops group by rule_id order by 2 desc, 1"
    ).fetchall()
    if stopping:
        named = ", ".join(f"{rule_id} (× {count})" for rule_id, count in stopping[:STOPPED_SHOWN])
        raise GateError(
            f"nothing was published: open findings that stop it, {named}",
            why="schemas/gates.yml says so. Report and research copy stay as they were; no record is lost.",
            next_step="see `laktasi findings --stops`; mend them, or accept them: laktasi findings accept",
        )


def _mapping(path: Path, name: str, value: Any, known: Collection[str]) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(path, f"{name} must be a mapping of keys to values")
    if unknown := sorted(set(map(str, value)) - set(known)):
        raise _wrong(path, f"unknown key {unknown[0]!r}; known are {', '.join(known)}")
    return value


def _names(path: Path, key: str, value: Any) -> tuple[str, ...]:
    value = [] if value is None else value
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _wrong(path, f"{key!r} must be a list of names")
    if len(set(value)) != len(value):
        raise _wrong(path, f"a name stands twice under {key!r}")
    return tuple(value)


def _wrong(path: Path, what: str) -> CheckError:
    return CheckError(f"{path.name}: {what}", next_step=f"edit {path} and run the command again")
