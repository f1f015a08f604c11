"""Readers of arrays, values, recordings, results and events."""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.fuzz import mutations
from tests.fuzz.reader import ROOT, Reader, any_of, texts_in

# -------------------------------------------------------------------------------- arrays and values


def _weights(folder: Path) -> list[Path]:
    from scnnbio.experiment.weights import write_weights

    rng = np.random.default_rng(0)
    write_weights(
        folder / "w.npz", {"learn": {"lgn_v1": rng.random((3, 2, 3, 3)), "v1": rng.random(3)}}
    )
    np.savez(folder / "plain.npz", lgn_v1=rng.random((3, 2, 3, 3)))
    return [folder / "w.npz", folder / "plain.npz"]


def _read_weights(path: Path) -> None:
    from scnnbio.experiment.weights import read_weights

    read_weights(path)


def _arrays(folder: Path) -> list[Path]:
    rng = np.random.default_rng(0)
    np.savez(folder / "a.npz", values=rng.random((4, 6, 6)), label=np.arange(4))
    np.save(folder / "b.npy", rng.random((4, 6, 6)))
    parts = {"x_train": (6, 5, 5), "y_train": (6,), "x_test": (2, 5, 5), "y_test": (2,)}
    np.savez(folder / "c.npz", **{k: np.zeros(s, np.uint8) for k, s in parts.items()})
    return [folder / name for name in ("a.npz", "b.npy", "c.npz")]


def _read_arrays(path: Path) -> None:
    from scnnbio.inputs.arrays import read_values
    from scnnbio.inputs.collections import read_archive
    from scnnbio.inputs.images import read_images

    any_of(lambda: read_values(path), lambda: read_archive(path), lambda: read_images(path))


def _mutated_array(content: bytes, rng: np.random.Generator) -> bytes:
    if content.startswith(b"\x93NUMPY"):
        hostile = mutations.header_of_array if rng.random() < 0.6 else mutations.of_bytes
        return hostile(content, rng)
    return mutations.of_archive(content, rng)


def _values(folder: Path) -> list[Path]:
    from scnnbio.experiment import Run
    from scnnbio.network import Network
    from tests.described import INSTANCES

    paths = []
    for kind in (Network, Run):
        paths.append(folder / kind.__name__)
        INSTANCES[kind]().save(paths[-1])
    return paths


def _read_value(path: Path) -> None:
    from scnnbio import files
    from scnnbio.experiment import Run
    from scnnbio.network import Network

    any_of(lambda: Network.load(path), lambda: Run.load(path), lambda: files.provenance(path))


def _idx(folder: Path) -> list[Path]:
    import gzip

    content = b"\0\0\x08\x03" + b"".join(n.to_bytes(4, "big") for n in (3, 4, 5)) + bytes(60)
    (folder / "a-idx3-ubyte").write_bytes(content)
    (folder / "b-idx3-ubyte.gz").write_bytes(gzip.compress(content))
    return [folder / "a-idx3-ubyte", folder / "b-idx3-ubyte.gz"]


def _read_idx(path: Path) -> None:
    from scnnbio.inputs.idx import read_idx

    read_idx(path)


def _pictures(folder: Path) -> list[Path]:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    paths = [folder / f"p{ending}" for ending in (".png", ".jpg", ".tif", ".bmp")]
    for path in paths:
        Image.fromarray(pixels).save(path)
    return paths


def _read_picture(path: Path) -> None:
    from scnnbio.inputs.images import _read_picture as read_image
    from scnnbio.stimuli.pictures import read_picture

    any_of(lambda: read_picture(path), lambda: read_image(path))


def _fasta(folder: Path) -> list[Path]:
    return texts_in(
        folder, [">one with words\nACG\nTAC\n\n>two\nggttnn\n", ">a\n" + "ACGT" * 200], ".fa"
    )


def _read_fasta(path: Path) -> None:
    from scnnbio.encoding import LatencyCode
    from scnnbio.inputs import FromSequences

    FromSequences(str(path), LatencyCode(10**6, 1.0, 0.0, "absolute"))


def _current_sweeps(folder: Path) -> list[Path]:
    time = np.arange(40) / 10
    current, potential = np.zeros((2, 40)), np.full((2, 40), -65.0)
    np.savez(
        folder / "s.npz", period_ms=0.1, current_pA=current, potential_mV=potential,
        sweep=np.array(["a", "b"]),
    )  # fmt: skip
    rows = [f"{'ab'[k]},{t},0.0,-0.065" for k in range(2) for t in time]
    text = "\n".join(["sweep,time_ms,current_nA,potential_V", *rows])
    return [folder / "s.npz", *texts_in(folder, [text], ".csv")]


def _read_current_sweeps(path: Path) -> None:
    from scnnbio.recording import read_sweeps

    read_sweeps(path)


def _mutated_sweeps(content: bytes, rng: np.random.Generator) -> bytes:
    hostile = mutations.of_archive if content.startswith(b"PK") else mutations.of_text
    return hostile(content, rng)


# --------------------------------------------------------------------------- recordings and results


def _recordings(folder: Path) -> list[Path]:
    from tests.recordings import small

    small().save(folder / "r.h5")
    return [folder / "r.h5"]


def _read_recording(path: Path) -> None:
    from scnnbio.recording import Recording

    Recording.load(path)


def _sonata(folder: Path) -> list[Path]:
    from scnnbio.recording import write_sonata
    from tests.recordings import small

    left_out = ("signals", "snapshots", "columns")
    write_sonata(small(), folder / "s.h5", leave_out=left_out)
    return [folder / "s.h5"]


def _read_sonata(path: Path) -> None:
    from scnnbio.recording import read_sonata

    read_sonata(path, duration=1e6)


def _results(folder: Path) -> list[Path]:
    """The files of a run, each of which is put into a copy of the run's folder."""
    from scnnbio import workflow
    from scnnbio.digests import write_digests
    from scnnbio.experiment import load
    from scnnbio.figures.drawn import write_record
    from scnnbio.workflow.folder import write_runs, write_scores

    run = folder / "run"
    # Of a process that has ended by now, after the input that ended it.
    shutil.rmtree(run, ignore_errors=True)
    settings = ("network.parameters.maps=2", "stages.learn.stimulus.n_trials=4")
    study = load(ROOT / "experiments" / "v1_features.toml", profile="tiny", settings=settings)
    with workflow.new_folder(run) as draft:
        results = workflow.judge(workflow.execute(study, "reference"))
        write_runs(results, draft, results.provenance)
        write_scores(results, draft)
        write_record(draft, [], {"kernels": "why"})
        write_digests(draft)
    names = [
        "run.json",
        "scores.json",
        "weights.npz",
        "SHA256SUMS",
        "figures/drawn.json",
        "measures/kernels_learn.lgn_v1.csv",
    ]
    paths = []
    for name in names:
        paths.append(folder / name.replace("/", "__"))
        shutil.copy(run / name, paths[-1])
    return paths


def _read_results(path: Path) -> None:
    from scnnbio import workflow
    from scnnbio.cli.common import print_scores
    from scnnbio.figures.drawn import known_figures
    from scnnbio.verification import verify

    # The hostile file is named after the one it takes the place of.
    run = path.parent / "run"
    name = path.name.removeprefix("hostile_").replace("__", "/")
    kept = (run / name).read_bytes()
    shutil.copy(path, run / name)
    try:
        verify(run, trials=0)
        results = workflow.load_results(run)
        results.provenance  # noqa: B018  (it is added up when asked for)
        print_scores(results.scores)
        known_figures(run)
    finally:
        (run / name).write_bytes(kept)


def _mutated_result(content: bytes, rng: np.random.Generator) -> bytes:
    if content.startswith(b"PK"):
        return mutations.of_archive(content, rng)
    return (
        mutations.of_json(content, rng) if content[:1] in b"[{" else mutations.of_text(content, rng)
    )


def _drafts(folder: Path) -> list[Path]:
    """``run.json`` of an unfinished run; the rest of the draft is beside it."""
    from scnnbio.workflow.drafts import Draft
    from tests.experiment.small import study

    draft = Draft(folder / ".out.draft", study(), "reference", {}, False, {"files": []})
    (draft.path / ".kept").mkdir(parents=True)
    draft.begin()
    return [Path(shutil.copy(draft.path / ".kept" / "run.json", folder / "run.json"))]


def _read_draft(path: Path) -> None:
    from scnnbio.workflow.drafts import Draft

    draft = path.parent / ".out.draft"
    shutil.copy(path, draft / ".kept" / "run.json")
    Draft.read(draft)


def _checkpoints(folder: Path) -> list[Path]:
    """The checkpoint of a program with two outputs and two states."""
    from scnnbio.backends.brian2.program_files import checksum

    parts = [np.array([7, 1200, 16, 2, 24, 3]), np.linspace(-70.0, -50.0, 30), np.arange(5)]
    content = b"".join(part.tobytes() for part in parts)
    (folder / "state").write_bytes(content + np.uint64(checksum(parts)).tobytes())
    return [folder / "state"]


def _read_checkpoint(path: Path) -> None:
    from scnnbio.backends.brian2.program_files import ProgramFiles

    states = (("v", "<f8", 30), ("n", "<i8", 5))
    program = ProgramFiles("key", ("spikes_v1", "samples_0"), {"v1": (0, True)}, states, {})
    place = path.parent / "as_checkpoint"
    place.mkdir(exist_ok=True)
    shutil.copy(path, place / "state")
    program.read_state(place, check=True)


def _nir(folder: Path) -> list[Path]:
    import nir

    from tests.nir.test_reading import chain, draws, lif

    weights = draws(8).normal(size=(6, 5))
    nir.write(folder / "a.nir", chain((5,), nir.Linear(weights), lif(6)))
    return [folder / "a.nir"]


def _read_nir(path: Path) -> None:
    from scnnbio.nir import read

    read(path, 1.0)


def _nwb(folder: Path) -> list[Path]:
    import datetime

    import pynwb

    when = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    file = pynwb.NWBFile("made", "id 7", when)
    table = pynwb.epoch.TimeIntervals(name="trials", description="gratings")
    table.add_column(name="angle", description="deg")
    for k in range(4):
        table.add_interval(start_time=2.0 * k, stop_time=2.0 * k + 1.0, angle=45.0 * k)
    file.add_time_intervals(table)
    file.add_unit_column(name="location", description="area")
    for unit in range(3):
        file.add_unit(spike_times=np.arange(0.1, 8.0, 0.3 + unit / 10), location="VISp")
    with pynwb.NWBHDF5IO(folder / "a.nwb", "w") as io:
        io.write(file)
    return [folder / "a.nwb"]


def _read_nwb(path: Path) -> None:
    from scnnbio.recording.column_maps import ColumnMap
    from scnnbio.recording.nwb import read_nwb

    columns = {"table": "trials", "columns": {"orientation": "angle"}}
    read_nwb(path, ColumnMap.of({"trials": columns, "units": {"area": "location"}}))


def _events(kind: str) -> Callable[[Path], list[Path]]:
    def make(folder: Path) -> list[Path]:
        from tests.inputs.event_files import some_events, written

        return [written(kind, folder, some_events(300))]

    return make


def _read_events(kind: str) -> Callable[[Path], object]:
    from scnnbio.inputs.events import Isolated

    isolated = Isolated(patience=2.0)

    def read(path: Path) -> object:
        from scnnbio.inputs import read_events

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # What is before the damage is read as well, of one input in two.
            how = "prefix" if path.stat().st_size % 2 else "refuse"
            return read_events(path, format=kind, damaged=how, isolated=isolated)

    return read


_EVENT_KINDS = ("nmnist", "es", "evt2", "evt3", "dat", "aedat3", "aedat4", "hdf5", "arrays")


OF_FILES = (
    Reader("weights", _weights, _read_weights, mutations.of_archive),
    Reader("arrays", _arrays, _read_arrays, _mutated_array),
    Reader("values", _values, _read_value, mutations.of_archive),
    Reader("idx", _idx, _read_idx),
    Reader("pictures", _pictures, _read_picture),
    Reader("sweeps of currents", _current_sweeps, _read_current_sweeps, _mutated_sweeps),
    Reader("fasta", _fasta, _read_fasta, mutations.of_text, needs="Bio"),
    Reader("recordings", _recordings, _read_recording, mutations.with_checksum),
    Reader("sonata", _sonata, _read_sonata),
    Reader("results", _results, _read_results, _mutated_result),
    Reader("drafts", _drafts, _read_draft, mutations.of_json),
    Reader("checkpoints", _checkpoints, _read_checkpoint),
    Reader("nir", _nir, _read_nir, needs="nir"),
    Reader("nwb", _nwb, _read_nwb, needs="pynwb"),
    *(
        Reader(
            f"events {kind}",
            _events(kind),
            _read_events(kind),
            _mutated_array if kind == "arrays" else mutations.of_bytes,
            needs="faery",
        )
        for kind in _EVENT_KINDS
    ),
)
