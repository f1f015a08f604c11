"""One run of the tiny profile for all tests of folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from scnnbio import workflow
from scnnbio.experiment import load
from scnnbio.workflow.folder import write_runs, write_scores

FILE = Path(__file__).parents[2] / "experiments" / "v1_features.toml"
SETTINGS = (
    "network.parameters.maps=4",
    "stages.learn.stimulus.n_trials=20",
    "stages.learn.record.snapshots=4",
)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run that is stored and judged, without figures, which take longest."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    study = load(FILE, profile="tiny", settings=SETTINGS)
    with workflow.new_folder(folder) as draft:
        results = workflow.judge(workflow.execute(study, "reference"))
        write_runs(results, draft, results.provenance)
        write_scores(results, draft)
    return folder
