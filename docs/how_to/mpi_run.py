"""Learn on NEST, in as many processes as mpiexec starts; the first one tells what came out."""

from mpi4py import MPI

import scnnbio as sb
from scnnbio import backends

study = sb.load("experiments/v1_features.toml", profile="tiny")
run = backends.get("nest").run(study.experiments[0])

if MPI.COMM_WORLD.rank == 0:
    spikes, kernel = run.recording.spikes["v1"], run.weights["lgn_v1"]
    print(f"{MPI.COMM_WORLD.size} processes: {len(spikes.time)} spikes, kernel {kernel.mean():.6f}")
