"""All that ``make bench`` measures: the statistics beside their peers, and the whole way with its memory."""

from __future__ import annotations

import subprocess
import sys

from benchmarks import pipeline


def main() -> None:
    """Measure one after the other; arguments are those of ``python -m benchmarks.pipeline``."""
    # A process of its own: what it held would count as the peak of the processes that this one starts after it.
    subprocess.run([sys.executable, "-m", "benchmarks.kendall"], check=True)
    print(flush=True)
    pipeline.main(sys.argv[1:])


if __name__ == "__main__":
    main()
