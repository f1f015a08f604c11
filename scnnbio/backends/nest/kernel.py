"""State of the user in NEST's kernel, of which each process has one, before and after a run."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

import nest
import numpy as np

from scnnbio.errors import Unsupported

#: Settings that can be restored, except delays and settings that depend on others.
_SETTINGS = frozenset(
    ("adaptive_target_buffers", "buffer_size_spike_data", "buffer_size_target_data", "data_path",
     "data_prefix", "dict_miss_is_error", "eprop_learning_window", "eprop_reset_neurons_on_update",
     "eprop_update_interval", "growth_factor_buffer_target_data", "keep_source_table",
     "local_num_threads", "max_buffer_size_target_data", "overwrite_files", "print_time",
     "resolution", "rng_seed", "rng_type", "spike_buffer_grow_extra", "spike_buffer_shrink_limit",
     "spike_buffer_shrink_spare", "structural_plasticity_synapses",
     "structural_plasticity_update_interval", "tics_per_ms", "update_time_limit",
     "use_compressed_spikes", "use_wfr", "verbosity", "wfr_comm_interval",
     "wfr_interpolation_order", "wfr_max_iterations", "wfr_tol")
)  # fmt: skip


def in_use() -> list[Unsupported]:
    """Reasons against a run that would remove a network or modules of the user."""
    remedy = "call nest.ResetKernel() when you no longer need it, or run in a separate process"
    problems = []
    if nodes := nest.network_size:
        feature = f"NEST holds a network of {nodes} nodes, which a run would remove"
        problems.append(Unsupported("NEST's kernel", feature, remedy))
    elif modules := nest.get("modules"):
        feature = f"NEST has the modules {', '.join(modules)}, which a run would remove"
        problems.append(Unsupported("NEST's kernel", feature, remedy))
    return problems


@contextlib.contextmanager
def own_threads() -> Iterator[None]:
    """Within, OpenMP has the threads that NEST counts with; afterwards, those of before.

    Where the user has imported both torch and NEST, rather than scnnbio, they share OpenMP, and so
    the number of threads. If torch was set to more threads than NEST has, NEST crashes in its next
    call, also in a reset.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(nest.local_num_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def settings() -> dict[str, Any]:
    """Settings of the kernel that can be restored, by name."""
    found = nest.get()
    own = {name: value for name, value in found.items() if name in _SETTINGS}
    if not own["use_wfr"]:  # then it depends on the step, and cannot be set
        del own["wfr_comm_interval"]
    delays = {name: found[name] for name in ("min_delay", "max_delay")}
    # Both equal the step unless they were set.
    if any(value != found["resolution"] for value in delays.values()):
        own |= delays
    return own


def defaults() -> dict[str, dict[str, Any]]:
    """Defaults of every model of nodes and of synapses, by name; takes 5 ms."""
    models = (*nest.node_models, *nest.synapse_models)
    return {model: dict(nest.GetDefaults(model)) for model in models}


def restore(before: Mapping[str, Any], models: Mapping[str, Mapping[str, Any]]) -> None:
    """Remove the network, and restore settings and defaults of models.

    Parameters
    ----------
    before : mapping of str to object
        Settings from :func:`settings`.
    models : mapping of str to mapping
        Defaults from :func:`defaults`.

    Warns
    -----
    RuntimeWarning
        If the user had copies of synapse models, whose originals NEST does not name.
    """
    nest.ResetKernel()
    now = settings()
    # Only those that a reset has changed: some settings can be set only once.
    nest.set(**{name: value for name, value in before.items() if now.get(name) != value})
    # NEST keeps its resolution from then on.
    _restore_models(models)


def _restore_models(before: Mapping[str, Mapping[str, Any]]) -> None:
    """Restore the defaults that a reset has changed, and the copies that it has removed."""
    now, lost = defaults(), []
    for model, values in before.items():
        if model not in now:
            original = str(values.get("type_id", ""))
            if original not in now:
                lost.append(model)
                continue
            nest.CopyModel(original, model)
            now[model] = dict(nest.GetDefaults(model))
        for name, value in values.items():
            if not _same(value, now[model].get(name)):
                # What cannot be set was not set by the user.
                with contextlib.suppress(nest.NESTError):
                    nest.SetDefaults(model, {name: value})
    if lost:
        warnings.warn(
            f"a run removes the synapse models {', '.join(lost)}, which are copies in NEST; make"
            " them after the run, or run in a process of its own",
            RuntimeWarning,
            stacklevel=3,
        )


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[k], other[k]) for k in one)
    return bool(np.array_equal(one, other))
