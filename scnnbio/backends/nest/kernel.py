"""State of the user in NEST's kernel, of which each process has one, before and after a run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import nest

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


def restore(before: Mapping[str, Any]) -> None:
    """Remove the network, and restore settings.

    Parameters
    ----------
    before : mapping of str to object
        Settings from :func:`settings`.
    """
    nest.ResetKernel()
    now = settings()
    # Only those that a reset has changed: some settings can be set only once.
    nest.set(**{name: value for name, value in before.items() if now.get(name) != value})
