"""Learning rules as C++ modules, made from a rule's expressions.

The numbers of a rule are parameters of the node, so a rule is compiled once for all values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scnnbio.backends.notation import CPP
from scnnbio.errors import SpecError
from scnnbio.experiment import Experiment
from scnnbio.network import Projection
from scnnbio.plasticity import LearningRule, TraceRule
from scnnbio.values import digest_of

_CODE = """#include "learning_kernel.h"

namespace scnnbio
{{

// Names of their own, as several rules may be loaded at once.
struct Rule_{digest}
{{
  static constexpr std::size_t n_pre = {n_pre};
  static constexpr std::size_t n_post = {n_post};
  static constexpr std::array< bool, n_pre > pre_nearest = {{ {pre_nearest} }};
  static constexpr std::array< bool, n_post > post_nearest = {{ {post_nearest} }};
  static constexpr bool acts_on_pre = {acts_on_pre};
  static constexpr bool acts_on_post = {acts_on_post};
  static constexpr bool is_rewarded = {is_rewarded};

  static double
  on_pre( const double w, const double* const c, const double* const x, const double* const y )
  {{
    return {on_pre};
  }}

  static double
  on_post( const double w, const double* const c, const double* const x, const double* const y )
  {{
    return {on_post};
  }}
}};

class Module_{digest} : public nest::NESTExtensionInterface
{{
public:
  void
  initialize() override
  {{
    nest::register_node_model< LearningKernel< Rule_{digest} > >( "{model}" );
  }}
}};

}}

scnnbio::Module_{digest} {module}_LTX_module;
"""


@dataclass(frozen=True)
class RuleCode:
    """The C++ module of a rule.

    Parameters
    ----------
    module : str
        Name of the module and of its file; a digest of the text.
    model : str
        Name of its node's model.
    text : str
        C++.
    """

    module: str
    model: str
    text: str


def rule_code(rule: LearningRule) -> RuleCode:
    """Write the C++ of a rule.

    Parameters
    ----------
    rule : LearningRule

    Returns
    -------
    RuleCode

    Raises
    ------
    SpecError
        If it calls functions without a C++ equivalent.
    """
    traces = rule.as_traces()
    names = {"w": "w"} | {name: f"c[ {i} ]" for i, name in enumerate(traces.constants)}
    parts: dict[str, Any] = {}
    for side, array in (("pre", "x"), ("post", "y")):
        used = traces.used(side)
        names |= {name: f"{array}[ {i} ]" for i, name in enumerate(used)}
        nearest = (traces.traces[name].pairing == "nearest" for name in used)
        parts[f"n_{side}"] = len(used)
        parts[f"{side}_nearest"] = ", ".join(_bool(value) for value in nearest)
    for name, text in (("on_pre", traces.on_pre), ("on_post", traces.on_post)):
        parts[f"acts_{name}"] = _bool(bool(text))
        parts[name] = CPP.number(text or "0", names)
    parts["is_rewarded"] = _bool(traces.reward is not None)
    digest = digest_of(parts)[:16]
    module, model = f"scnnbio_rule_{digest}", f"scnnbio_kernel_{digest}"
    return RuleCode(module, model, _CODE.format(module=module, model=model, digest=digest, **parts))


def rule_values(projection: Projection, experiment: Experiment) -> dict[str, Any]:
    """Parameters of a rule's node, by NEST's names.

    Parameters
    ----------
    projection : Projection
        A plastic one.
    experiment : Experiment

    Returns
    -------
    dict of str to float, int or list of float
    """
    rule = _rule_of(projection)
    values: dict[str, Any] = {
        "constants": [float(value) for value in rule.constants.values()],
        "keep_rate": float(rule.decay_factor(experiment.dt)),
        "w_min": rule.w_min,
        "w_max": rule.w_max,
    }
    if rule.growth is not None:
        values["grow_every"] = rule.growth.every * experiment.trial_steps
        values["grow_factor"] = rule.growth.factor
        values["grow_limit"] = rule.growth.limit
    for side in ("pre", "post"):
        taus = [rule.traces[name].tau for name in rule.used(side)]
        if taus:  # NEST does not accept empty lists of numbers
            values[f"keep_{side}"] = [float(np.exp(-experiment.dt / tau)) for tau in taus]
    if rule.reward is not None:
        channels, rows, columns = experiment.network.population(rule.reward.population).shape
        each = np.repeat(rule.reward.by_channel(channels), rows * columns)
        values["reward_values"] = each.tolist()
        tau, waits = rule.reward.tau, rule.eligibility
        values["keep_reward"] = 0.0 if tau is None else float(np.exp(-experiment.dt / tau))
        values["keep_eligible"] = 1.0 if waits is None else float(np.exp(-experiment.dt / waits))
        values["forgets"] = waits is None
    if rule.normalisation is not None:
        values["norm_every"] = experiment.normalised_every(projection)
        values["norm_power"] = {"l1": 1, "l2": 2}[rule.normalisation.norm]
        values["norm_target"] = rule.normalisation.target
    return values


def _rule_of(projection: Projection) -> TraceRule:
    if projection.plasticity is None:
        raise SpecError("has no plasticity", where=f"projection {projection.name!r}")
    return projection.plasticity.as_traces()


def _bool(value: bool) -> str:
    return "true" if value else "false"
