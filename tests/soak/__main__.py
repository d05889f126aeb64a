"""`python -m tests.soak`: so many seeds, printed; after each, what the warehouse has is what the server has.

Against the double by default; with --real against the Central that LAKTASI_TEST_CENTRAL_URL, …_EMAIL and …_PASSWORD
name, without the faults that only a double can have.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.central import Acts, Double
from tests.central.faults import Kind
from tests.central.fixtures import VARIABLES, real_login
from tests.soak.judge import differences, in_the_warehouse, on_the_server
from tests.soak.world import FORMS, World

FAULTS: tuple[Kind, ...] = ("reset", "truncated", "html", "401", "404", "429", "500", "503", "hang")
PLACES = (r"submissions", r"svc", r"\.xml", r"attachments", r"versions", r"sessions", r"audits", r"Entities", r".")
READER_PASSWORD = "readers-look-only"


class Puller:
    """The process that pulls."""

    def __init__(self, scratch: Path, *, impatient: bool) -> None:
        self._scratch = scratch
        self._impatient = impatient
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.soak.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.project = scratch / "project"
        (self.project / "xlsforms").mkdir(parents=True)
        (self.project / "schemas").mkdir()

    def pull(
        self,
        acts: Acts,
        data: Path,
        phone: Path,
        *,
        forms: Sequence[str] = (),
        kill_at: int | None = None,
        stand: bool = False,
    ) -> dict[str, Any]:
        order = {
            "project": str(self.project),
            "data": str(data),
            "told": str(self._scratch / "told.json"),
            "url": acts.url,
            "number": acts.project,
            "forms": forms,
            "phones": [str(phone)] if phone.exists() else [],
            "email": acts.email,
            "password": acts.password,
            "kill_at": kill_at,
            "stand": stand,
            "impatient": self._impatient,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=60)


def live_through(
    seed: int, manager: Acts, double: Double | None, puller: Puller, data: Path
) -> tuple[World, list[str]]:
    """Live through the schedule of one seed; say what differs at its end."""
    manager.make_project(f"soak {seed}")
    phone = data.with_name("phone")
    world = World(seed, manager, double, phone)
    dice = world.dice
    account = manager.make_account(f"reader-{seed}-{time.time_ns()}@example.org", READER_PASSWORD)
    actor_id = account.myself()
    is_administrator = False  # only such may read the server's log
    try:
        for _ in range(dice.randrange(2, 5)):
            if dice.random() < 0.4:
                (manager.demote if is_administrator else manager.promote)(actor_id)
                is_administrator = not is_administrator
                world.told.append("promote" if is_administrator else "demote")
            for _ in range(dice.randrange(2, 20)):
                world.act()
            forms = (dice.choice(FORMS),) if dice.random() < 0.2 else ()
            kill_at = dice.randrange(1, 400) if dice.random() < 0.5 else None
            if double is not None and dice.random() < 0.6:
                for _ in range(dice.randrange(1, 4)):
                    fault, place = dice.choice(FAULTS), dice.choice(PLACES)
                    double.faults.next(place, fault, dice.randrange(1, 5), skip=dice.randrange(12), seconds=0)
                    world.told.append(f"{fault} at {place}")
            came = puller.pull(account, data, phone, forms=forms, kill_at=kill_at)
            world.told.append(f"pull: {came} {forms}")
            if double is not None:
                double.faults.clear()
            if came.get("error"):
                return world, [f"a pull failed: {came['error']}"]
        world.commit()
        came = puller.pull(account, data, phone, stand=True)
        world.told.append(f"last pull: {came}")
        if came.get("error") or came.get("unreached") or "killed" in came:
            return world, [f"the last pull: {came}"]
        return world, differences(on_the_server(manager), in_the_warehouse(data, world.sent_again))
    finally:
        manager.delete_account(actor_id)
        account.close()
        manager.delete_project()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seeds", type=int, default=500, help="how many schedules (default: 500)")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--real", action="store_true", help="against the Central that the environment names")
    parser.add_argument("--verbose", action="store_true", help="print what happened in each schedule")
    chosen = parser.parse_args()
    failed = []
    done: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        scratch = Path(name)
        double = None if chosen.real else Double().__enter__()
        if double is not None:
            manager = Acts(double.url, double.email, double.password)
        else:
            login = real_login()
            if login is None:
                parser.error(f"--real needs {', '.join(VARIABLES)}")
            manager = Acts(*login)
        puller = Puller(scratch, impatient=double is not None)
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            data = scratch / "data"
            for folder in (data, data.with_name("phone")):
                shutil.rmtree(folder, ignore_errors=True)
            world, wrong = live_through(seed, manager, double, puller, data)
            done.update(what.split(":")[0].split(" at ")[0] for what in world.told)
            done["killed"] += sum("killed" in what for what in world.told)
            print(f"seed {seed}: {'equal' if not wrong else 'DIFFERS'} ({len(world.told)} things happened)", flush=True)
            if wrong:
                failed.append(seed)
            for line in [*(world.told if chosen.verbose or wrong else ()), *wrong]:
                print(f"    {line}", flush=True)
        puller.close()
    print(f"{chosen.seeds - len(failed)} of {chosen.seeds} schedules ended equal; what happened in them:")
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(done.items())))
    if failed:
        real = " --real" if chosen.real else ""
        print(
            "again: " + "; ".join(f"python -m tests.soak --first {seed} --seeds 1 --verbose{real}" for seed in failed)
        )
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
