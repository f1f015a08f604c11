"""Write the learned weights of one stage of a finished run to a small file for documents.

python analysis/keep_weights.py RUN_FOLDER STAGE OUT.npz

The file holds the stage's kernels and thresholds, to seven digits, and how they were made.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from scnnbio.experiment.weights import PROVENANCE
from scnnbio.workflow import load_results


def main(folder: Path, stage: str, out: Path) -> None:
    """Write the weights of one stage, and print what was written."""
    results = load_results(folder)
    run = results.runs[stage]
    kept = {f"{stage}/{name}": values.astype(np.float32) for name, values in run.weights.items()}
    names = ("backend", "stage", "seed", "experiment", "versions", "trials")
    made = {"study": results.study.name, **{name: run.provenance[name] for name in names}}
    made["kernels"] = "float32"
    np.savez_compressed(out, **kept, **{PROVENANCE: np.array(json.dumps(made))})
    print(f"{out}: {', '.join(kept)}, {out.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
