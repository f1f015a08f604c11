"""``python -m tests.fuzz [N] [READER ...]``: attack every reader with N hostile inputs."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tests.fuzz.attack import attack
from tests.fuzz.readers import READERS


def main(n: int, names: list[str]) -> int:
    """Print what became of the inputs of each reader; 1 if there was a fault."""
    bad = 0
    for name in names or READERS:
        if importlib.util.find_spec(READERS[name].needs) is None:
            print(f"{name}: {READERS[name].needs} is not installed")
            continue
        folder = Path(tempfile.mkdtemp(prefix="scnnbio-fuzz-"))
        try:
            found = attack(name, n, folder)
        except RuntimeError as error:
            print(f"{name}: {error}")
            bad += 1
            continue
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(found.counts.items()))
        print(f"{name}: {counts}; slowest {found.slowest:.2f} s; files in {folder}", flush=True)
        kinds = Counter((f["kind"], f["what"], f["place"]) for f in found.faults)
        for (kind, what, place), count in kinds.most_common(12):
            at = next(f["at"] for f in found.faults if (f["what"], f["place"]) == (what, place))
            print(f"  {count} x {kind}: {what} [{place}] (input {at})", flush=True)
        bad += bool(found.faults)
    return int(bad > 0)


if __name__ == "__main__":
    given = sys.argv[1:]
    number = int(given.pop(0)) if given and given[0].isdigit() else 1000
    sys.exit(main(number, given))
