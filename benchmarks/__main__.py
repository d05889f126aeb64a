"""All that ``make bench`` measures: statistics and checks beside their peers, the report of 10,000 centres,
a lake beside a file, and the whole way with its memory."""

from __future__ import annotations

import subprocess
import sys

from benchmarks import pipeline


def main() -> None:
    """Measure one after the other; arguments are those of ``python -m benchmarks.pipeline``.

    Exits with 1 if one of them found something wrong.
    """
    # Processes of their own: what they held would count as the peak of the processes that this one starts after them.
    subprocess.run([sys.executable, "-m", "benchmarks.kendall"], check=True)
    print(flush=True)
    analyses = subprocess.run([sys.executable, "-m", "benchmarks.analyses"], check=False)
    print(flush=True)
    subprocess.run([sys.executable, "-m", "benchmarks.report"], check=True)
    print(flush=True)
    checks = subprocess.run([sys.executable, "-m", "benchmarks.checks", *sys.argv[1:]], check=False)  # noqa: S603
    print(flush=True)
    lake = subprocess.run([sys.executable, "-m", "benchmarks.lake"], check=False)
    print(flush=True)
    try:
        pipeline.main(sys.argv[1:])
    except SystemExit as done:
        sys.exit(done.code or checks.returncode or analyses.returncode or lake.returncode)


if __name__ == "__main__":
    main()
