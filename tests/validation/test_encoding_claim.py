"""The encoding claim: of a document, and between two places on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from scnnbio.errors import DataError, SpecError
from scnnbio.experiment import ClaimBinding
from scnnbio.experiment.claims import claims_from, locate_recordings
from scnnbio.experiment.sources import Source
from scnnbio.recording import Recording
from scnnbio.validation import CLAIMS, Evidence, judge_all
from scnnbio.validation.registry import check
from tests.analysis.test_encoding import made
from tests.cli_calls import ask


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model, and a recording of two areas, of which it explains half of one and all of none."""
    folder = tmp_path_factory.mktemp("encoding")
    model, recorded, _ = made(1.0)
    model.save(folder / "model.h5")
    spikes = recorded.spikes["cells"]
    drawn = np.random.default_rng(5).permutation(recorded.n_trials)[spikes.trial]
    # The second area's counts are those of other trials, so that nothing repeats.
    other = type(spikes)(spikes.time, spikes.unit, drawn)
    shape = recorded.shapes["cells"]
    both = Recording({"near": spikes, "far": other}, {"near": shape, "far": shape}, recorded.trials)
    both.save(folder / "session.h5")
    return folder / "model.h5", folder / "session.h5"


def test_two_places_are_one_claim_on_each_area(places: tuple[Path, Path]) -> None:
    words = ("score", *places, "--claims", "encoding", "--population")
    told = ask(*words, "cells,near", "--json")
    assert told.exit_code != 0  # the populations of one place are not those of the other
    model, session = places
    recording = Recording.load(session)
    near = Recording({"cells": recording.spikes["near"]}, {"cells": (24, 1, 1)}, recording.trials)
    near.save(session.parent / "near.h5")
    told = ask("score", model, session.parent / "near.h5", *words[3:], "cells", "--json")
    assert told.exit_code == 0, told.output
    (pair,) = json.loads(told.stdout)
    assert (pair["other"], pair["about"]) == (None, "predicts cells")
    # Half of what is explainable, less what 6 weights of 240 stimuli cost.
    assert pair["one"]["verdict"] == "agrees"
    assert pair["one"]["value"] == pytest.approx(0.5, abs=0.06)
    # 32 of 34.5: the variance of 8 Poisson counts of mean 20 is 2.5.
    assert pair["one"]["prediction"]["ceiling"] == pytest.approx(32 / 34.5, abs=0.03)
    table = ask("score", model, session.parent / "near.h5", *words[3:], "cells")
    assert "predicts cells" in " ".join(table.output.split())
    # A single place has nothing that it could predict.
    (alone,) = json.loads(ask("score", model, "--claims", "encoding", "--population", "cells",
                              "--json").stdout)  # fmt: skip
    assert alone["verdict"] == "not applicable"
    assert "no recording to predict" in alone["reason"]


def test_a_document_names_the_recording_and_the_area(places: tuple[Path, Path]) -> None:
    model, session = (Recording.load(places[0]), places[1])
    rows = [
        {"claim": "encoding", "stage": "shown", "population": "cells", "recording": session.name,
         **more}
        for more in ({"recorded": "near"}, {"recorded": "far"}, {})
    ]  # fmt: skip
    locate_recordings(rows, session.parent)
    bound = claims_from(rows)
    check(bound)
    near, far, all_units = judge_all(bound, {"shown": Evidence(model)})
    assert (near.verdict, near.n, far.verdict, far.n) == ("agrees", 24, "insufficient data", 0)
    assert far.excluded == {"counts do not differ between stimuli": 24}
    assert (all_units.verdict, all_units.n, all_units.excluded) == ("agrees", 24, far.excluded)
    assert bound[0].files == (str(session),)
    told = Source.read(bound[0].recording, "recording")
    assert told == Source.of(session, session.read_bytes(), "recording")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"claim": "encoding", "population": "v1"}, "is about a recording; add recording"),
        ({"claim": "encoding", "recording": "a.h5"}, "is about spikes; add population"),
        ({"claim": "isi_cv", "population": "v1", "recording": "a.h5"}, "takes no recording"),
        ({"claim": "isi_cv", "population": "v1", "recorded": "V1"}, "need a recording"),
    ],
)
def test_a_claim_says_what_it_needs(given: dict[str, str], why: str) -> None:
    with pytest.raises(SpecError, match=why):
        check(claims_from([{"stage": "shown", **given}]))


def test_a_missing_recording_or_area_is_an_error(places: tuple[Path, Path]) -> None:
    bound = ClaimBinding("encoding", "shown", "cells", recording="absent.h5")
    model = Evidence(Recording.load(places[0]))
    with pytest.raises(DataError, match="cannot be read"):
        CLAIMS["encoding"].judge(model, bound=bound)
    wrong = ClaimBinding("encoding", "shown", "cells", recording=str(places[1]), recorded="nera")
    with pytest.raises(SpecError, match="did you mean 'near'"):
        CLAIMS["encoding"].judge(model, bound=wrong)
