"""Every reader and parser of files and texts that may come from a stranger.

Each has valid inputs, a way to make them hostile, and a function that reads one file.
"""

from __future__ import annotations

import dataclasses
import shutil
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scnnbio.errors import ScnnbioError, SpecError
from tests.fuzz import mutations
from tests.fuzz.mutations import Mutation

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Reader:
    """A reader under attack.

    Parameters
    ----------
    name : str
    make : callable
        Writes valid files to a folder and returns their paths; their endings are kept.
    read : callable
        Reads one file.
    mutation : Mutation
    needs : str
        Module without which it cannot run.
    """

    name: str
    make: Callable[[Path], Iterable[Path]]
    read: Callable[[Path], object]
    mutation: Mutation = mutations.of_bytes
    needs: str = "numpy"


def _texts(folder: Path, texts: Iterable[str], ending: str = ".txt") -> list[Path]:
    paths = []
    for number, text in enumerate(texts):
        paths.append(folder / f"valid{number}{ending}")
        paths[-1].write_bytes(text.encode())
    return paths


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape")


# ----------------------------------------------------------------------------- equations and texts


def _equations(folder: Path) -> list[Path]:
    """A file per neuron of the library, named after it."""
    from scnnbio.neurons import LIBRARY

    for name, model in LIBRARY.items():
        parts = (model.equations, model.threshold, model.reset)
        (folder / name).write_bytes("\f".join(parts).encode())
    return sorted(folder.iterdir())


def _read_equations(path: Path) -> None:
    from scnnbio.neurons import LIBRARY
    from scnnbio.neurons.integrator import integrator

    names = ("equations", "threshold", "reset")
    parts = [*_text(path).split("\f"), "", ""][:3]
    known = LIBRARY[path.name.removeprefix("hostile_")]
    integrator(dataclasses.replace(known, **dict(zip(names, parts, strict=True))))


_RULES = (
    "x pre 17 ms\f-a_minus*y\fa_plus*x",
    "x pre 17\f-a_minus*exp(-w)*y\fa_plus*x*(w_max - w)**2",
    "y post 34\f\fclip(w, w_min, w_max)*int(y > 0.5)",
)


def _read_rule(path: Path) -> None:
    from scnnbio.plasticity import Trace, TraceRule

    head, pre, post = [*_text(path).split("\f"), "", ""][:3]
    name, kind, tau = [*head.split(maxsplit=2), "", "", ""][:3]
    traces = {name: Trace(kind, tau), "x": Trace("pre", 17.0), "y": Trace("post", 34.0)}
    TraceRule(traces=traces, on_pre=pre, on_post=post, parameters={"a_plus": 0.1, "a_minus": 0.1})


_SETTINGS = (
    "stages.learn.stimulus.n_trials=20", 'a="5 ms"', "a=1,2,3", "window=[1, 2],[3, 4]",
    "x = { kind = 'normal', mean = '20 ms', sd = 0.1 }", "nest:threads=2,test=brian2", "20 mV",
    "1.5e-3 nS",
)  # fmt: skip


def _read_setting(path: Path) -> None:
    from scnnbio.backends.choices import by_stage
    from scnnbio.experiment.documents import setting
    from scnnbio.sweep.plan import grid_of
    from scnnbio.units import plain

    text = _text(path)
    _all(
        lambda: setting(text),
        lambda: grid_of([text]),
        lambda: by_stage(text, ["learn", "test"]),
        lambda: plain(text, "mV"),
        lambda: plain(text, "nS"),
    )


def _all(*reads: Callable[[], object]) -> None:
    """Every one is tried; the error of one is raised if none of them reads the file."""
    errors = []
    for read in reads:
        try:
            read()
        except ScnnbioError as error:
            errors.append(error)
    if len(errors) == len(reads):
        raise errors[0]


# ---------------------------------------------------------------------------------------- documents


def _documents(folder: Path) -> list[Path]:
    for file in (ROOT / "experiments").glob("*.*"):
        shutil.copy(file, folder / file.name)
    return sorted(folder.glob("*.toml"))


def _read_document(path: Path) -> None:
    from scnnbio.experiment import load

    load(path, profile="tiny" if b"[profiles.tiny]" in path.read_bytes() else None)


def _inline(folder: Path) -> list[Path]:
    """Documents that hold their network, which is small; saved as a run saves its document."""
    from tests.experiment.small import study

    study().save(folder / "valid.toml")
    return [folder / "valid.toml"]


def _column_map(folder: Path) -> list[Path]:
    return _texts(
        folder,
        [
            'layout = "allen"\n[trials]\nduration = "2 s"\n',
            'species = "mouse"\n[trials]\ntable = "trials"\nblank = "null"\n[trials.columns]\n'
            'orientation = "angle"\ncontrast = { from = "c", times = 0.01 }\n'
            '[trials.constants]\nspatial_frequency = 0.04\n[units]\narea = "location"\n'
            'v1 = ["VISp"]\n[units.only]\nquality = "good"\n',
        ],
        ".toml",
    )


def _read_column_map(path: Path) -> None:
    from scnnbio.recording.column_maps import ColumnMap

    ColumnMap.load(path)


def _energies(folder: Path) -> list[Path]:
    table = ROOT / "scnnbio" / "analysis" / "energy.toml"
    return [Path(shutil.copy(table, folder / "energy.toml"))]


def _read_energies(path: Path) -> None:
    from scnnbio.analysis.energy import machines

    machines(path)


def _sweep(folder: Path) -> list[Path]:
    from scnnbio.sweep import Plan
    from tests.experiment.small import study

    Plan.write(study(), folder / "plan", grid=["seed=1,2"], seeds=2, backend="reference")
    return [Path(shutil.copy(folder / "plan" / "sweep.toml", folder / "sweep.toml"))]


def _read_sweep(path: Path) -> None:
    from scnnbio.sweep import Plan

    folder = path.parent / "as_sweep"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / "sweep.toml")
    plan = Plan.read(folder)
    for number, point in enumerate(plan.points()):
        point.status()
        if number > 20:
            break


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

    _all(lambda: read_values(path), lambda: read_archive(path), lambda: read_images(path))


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

    _all(lambda: Network.load(path), lambda: Run.load(path), lambda: files.provenance(path))


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

    _all(lambda: read_picture(path), lambda: read_image(path))


def _fasta(folder: Path) -> list[Path]:
    return _texts(
        folder, [">one with words\nACG\nTAC\n\n>two\nggttnn\n", ">a\n" + "ACGT" * 200], ".fa"
    )


def _read_fasta(path: Path) -> None:
    from scnnbio.encoding import LatencyCode
    from scnnbio.inputs import FromSequences

    FromSequences(str(path), LatencyCode(10**6, 1.0, 0.0, "absolute"))


# --------------------------------------------------------------------------- recordings and results


def _recordings(folder: Path) -> list[Path]:
    from tests.recordings import small

    small().save(folder / "r.h5")
    return [folder / "r.h5"]


def _read_recording(path: Path) -> None:
    from scnnbio.recording import Recording

    Recording.load(path)


_RESULTS: dict[Path, Path] = {}


def _results(folder: Path) -> list[Path]:
    """The files of a run, each of which is put into a copy of the run's folder."""
    from scnnbio import workflow
    from scnnbio.experiment import load
    from scnnbio.workflow.digests import write_digests
    from scnnbio.workflow.folder import write_runs, write_scores

    run = folder / "run"
    settings = ("network.parameters.maps=2", "stages.learn.stimulus.n_trials=4")
    study = load(ROOT / "experiments" / "v1_features.toml", profile="tiny", settings=settings)
    with workflow.new_folder(run) as draft:
        results = workflow.judge(workflow.execute(study, "reference"))
        write_runs(results, draft, results.provenance)
        write_scores(results, draft)
        write_digests(draft)
    names = [
        "run.json",
        "scores.json",
        "weights.npz",
        "SHA256SUMS",
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

    # The hostile file is named after the one it takes the place of.
    run = path.parent / "run"
    name = path.name.removeprefix("hostile_").replace("__", "/")
    kept = (run / name).read_bytes()
    shutil.copy(path, run / name)
    try:
        workflow.verify(run, trials=0)
        results = workflow.load_results(run)
        results.provenance  # noqa: B018  (it is added up when asked for)
        print_scores(results.scores)
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

READERS: dict[str, Reader] = {
    reader.name: reader
    for reader in (
        Reader("equations", _equations, _read_equations, mutations.of_text),
        Reader(
            "learning rules",
            lambda folder: _texts(folder, _RULES),
            _read_rule,
            mutations.of_text,
        ),
        Reader(
            "settings and units",
            lambda folder: _texts(folder, _SETTINGS),
            _read_setting,
            mutations.of_text,
        ),
        Reader("documents", _documents, _read_document, mutations.of_toml),
        Reader("stored documents", _inline, _read_document, mutations.of_toml),
        Reader("column maps", _column_map, _read_column_map, mutations.of_toml),
        Reader("energy tables", _energies, _read_energies, mutations.of_toml),
        Reader("sweeps", _sweep, _read_sweep, mutations.of_toml),
        Reader("weights", _weights, _read_weights, mutations.of_archive),
        Reader("arrays", _arrays, _read_arrays, _mutated_array),
        Reader("values", _values, _read_value, mutations.of_archive),
        Reader("idx", _idx, _read_idx),
        Reader("pictures", _pictures, _read_picture),
        Reader("fasta", _fasta, _read_fasta, mutations.of_text, needs="Bio"),
        Reader("recordings", _recordings, _read_recording, mutations.with_checksum),
        Reader("results", _results, _read_results, _mutated_result),
        Reader("drafts", _drafts, _read_draft, mutations.of_json),
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
}


def _faults(folder: Path) -> list[Path]:
    return _texts(folder, ["0"])


def _faulty(path: Path) -> None:
    """One fault of each kind, by the number of inputs that were read."""
    import os

    if not path.name.startswith("hostile_"):
        return
    calls = path.parent / "calls"
    with calls.open("a") as file:  # a process that takes the place of a crashed one counts on
        file.write("x")
    number = calls.stat().st_size
    if number == 2:
        raise KeyError("no error of scnnbio")
    if number == 4:
        bytearray(2**32)
    if number == 6:
        while True:
            pass
    if number == 8:
        os.system("true")  # noqa: S605
    if number == 10:
        os.abort()
    raise SpecError("an error of scnnbio")


#: To see that the driver finds faults; no reader of scnnbio.
FAULTY = Reader("a faulty one", _faults, _faulty, mutations.of_text)
