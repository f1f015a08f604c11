"""Figures of the experiments on neurons, one run each: what they need, and their captions."""

from __future__ import annotations

from matplotlib.figure import Figure

from scnnbio.analysis.euler import factors, membranes
from scnnbio.errors import SpecError
from scnnbio.figures.euler import euler_figure
from scnnbio.figures.spec import FigureSpec, StudyResults
from scnnbio.validation.evidence import Missing


def _euler(results: StudyResults) -> tuple[Figure, str]:
    run = results.evidence["constant_current"].run
    names = ("exact", "euler")
    try:
        found = {
            name: (membranes(run, f"still_{name}"), membranes(run, f"firing_{name}"))
            for name in names
        }
        measured = (factors(run, "still_exact"), factors(run, "still_euler"))
    except SpecError as error:
        raise Missing(str(error)) from None
    (still_exact, firing_exact), (still, firing) = found.values()
    traces = []
    for name in names:
        layer = run.experiment.network.population(f"still_{name}")
        values = layer.values()
        v = run.recording.signals[f"still_{name}"]["v"].values[:, :: layer.size // layer.shape[0]]
        final = values["i_offset"] * values["tau_m"] / values["cm"]
        traces.append((v - values["v_rest"]) / final)
    wrong = still.ratio[still.rate > 0]
    caption = (
        "LIF neurons under constant current, by the exact step and by forward Euler on the same"
        f" grid of {run.experiment.dt:g} ms. A: the potential from rest, over the value that it"
        " should settle at; grey, the closed form. B: the factor on a deviation from that value in"
        " a step, least squares; shaded, where deviations shrink. C: rates of neurons driven"
        " above their threshold, and spikes of neurons that are driven below it and should not"
        f" fire{f': from dt = {wrong.min():.3g} tau on they do' if len(wrong) else ''}."
    )
    return (
        euler_figure(
            (still_exact, still), (firing_exact, firing), measured, (traces[0], traces[1])
        ),
        caption,
    )


SPECS = (
    FigureSpec(
        "euler_stability",
        "Forward Euler below and above its limit",
        ("constant_current.signals.still_exact", "constant_current.signals.still_euler"),
        _euler,
    ),
)
