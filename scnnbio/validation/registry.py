"""Every claim by name, and the judging of those that a document names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from scnnbio.experiment import ClaimBinding
from scnnbio.registry import Registry, instances
from scnnbio.validation.claim import Claim
from scnnbio.validation.evidence import Evidence
from scnnbio.validation.scores import Score

#: Module of each phenomenon, and its claims: constants there, in capital letters.
_PHENOMENA = {
    "receptive_field_shape": ("ringach2002_nx_ny",),
    "oriented_kernels": (
        "oriented_fraction",
        "noise_control",
    ),
    "orientation_tuning": (
        "ringach2002_circular_variance",
        "ringach2002_half_bandwidth",
    ),
    "evoked_rate": ("evoked_rate",),
    "interval_variability": ("isi_cv",),
    "count_variability": ("fano_factor",),
    "euler_stability": (
        "euler_factor",
        "exact_factor",
        "euler_limit",
        "exact_rate",
    ),
    "spike_frequency_adaptation": (
        "glif_rate",
        "no_adaptation",
        "adaptation_excitatory",
        "adaptation_inhibitory",
    ),
    "synaptic_filters": (
        "filter_gain",
        "filter_phase",
    ),
    "inhibition": (
        "shunt_resistance",
        "subtractive_shift",
        "subtractive_gain",
        "shunting_does_not_divide",
        "barrage_divides",
    ),
    "homeostasis": (
        "settled_rates",
        "return_rate",
    ),
    "shared_learning": (
        "kernel_bounds",
        "threshold_sum",
        "equal_wins",
    ),
    "time_grids": (
        "grid_order",
        "grid_state",
    ),
    "other_solutions": (
        "reference_spikes",
        "reference_rate",
    ),
    "self_sustained": ("self_sustained",),
    "input_rates": ("input_spikes",),
}

#: Every claim by the name that documents, the command line and Python use; packages add more.
CLAIMS: Registry[Claim] = Registry(
    "claim",
    "scnnbio.claims",
    {
        name: f"scnnbio.validation.{module}:{name.upper()}"
        for module, names in _PHENOMENA.items()
        for name in names
    },
    instances(Claim, "name"),
)


def check(claims: Iterable[ClaimBinding]) -> None:
    """Raise a SpecError unless every claim is known and bound to what it is about."""
    for k, bound in enumerate(claims):
        CLAIMS.choose(bound.claim, f"claims[{k}].claim").check(bound, f"claims[{k}]")


def judge_all(
    claims: Iterable[ClaimBinding], evidence: Mapping[str, Evidence]
) -> tuple[Score, ...]:
    """Judge each claim on the run of its stage.

    Parameters
    ----------
    claims : iterable of ClaimBinding
    evidence : mapping from stage to Evidence
        A claim whose stage is not in it is ``"not applicable"``.

    Returns
    -------
    tuple of Score
        In the order of the claims.
    """
    scores = []
    for bound in claims:
        known = CLAIMS.choose(bound.claim)
        if bound.stage in evidence:
            scores.append(known.judge(evidence[bound.stage], bound=bound))
        else:
            scores.append(known.unjudged(f"stage {bound.stage!r} was not run", bound))
    return tuple(scores)
