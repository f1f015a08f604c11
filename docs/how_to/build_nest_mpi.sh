#!/bin/sh
# Make a virtual environment with scnnbio and with NEST for several processes: NEST's source from
# the Python package index, built with MPI.
#
#   sh docs/how_to/build_nest_mpi.sh [FOLDER]        (.venv-mpi if not given)
#
# The compiler, and libraries that are linked, come from the system; on Debian:
#   apt-get install g++ libgsl-dev libboost-dev libltdl-dev
#
# PYTHON=python3.12   the interpreter; python3 if not given
# JOBS=4              compilers at once; one a processor if not given
# MODELS="a;b"        NEST's models to build: those that scnnbio uses, and a few for scripts of
#                     one's own, if not given; all of them take hours
set -eu

venv=${1:-.venv-mpi}
source=$(cd "$(dirname "$0")/../.." && pwd)
models=${MODELS:-"iaf_psc_exp;iaf_psc_alpha;iaf_psc_delta;iaf_cond_exp;parrot_neuron;\
spike_train_injector;spike_generator;spike_recorder;multimeter;weight_recorder;static_synapse;\
stdp_synapse;poisson_generator;dc_generator"}

"${PYTHON:-python3}" -m venv "$venv"
# Where cmake looks for MPI's compiler, and where mpiexec will be.
PATH="$(cd "$venv/bin" && pwd):$PATH"
export PATH CMAKE_BUILD_PARALLEL_LEVEL="${JOBS:-$(getconf _NPROCESSORS_ONLN)}"
pip() { python -m pip --disable-pip-version-check --no-input "$@"; }

pip install --quiet mpich cmake ninja 'cython>=3' 'scikit-build-core>=0.10' 'setuptools>=77' wheel

# Without pip's cache: it may hold a NEST that was built without MPI, and would not tell them apart.
CMAKE_ARGS="-Dwith-mpi=ON -Dwith-models='$models'" pip install --no-cache-dir --no-deps \
  --no-build-isolation --no-binary nest-simulator 'nest-simulator>=3.10,<4'

pip install --quiet --editable "$source[nest,mpi]"

PYNEST_QUIET=1 mpiexec -n 2 python -c 'import sys
from mpi4py import MPI
import nest
sys.exit(0 if nest.num_processes == MPI.COMM_WORLD.size == 2 else "NEST and mpi4py do not meet")'
echo "NEST runs in several processes: $venv/bin/mpiexec -n 2 $venv/bin/scnnbio run ... --backend nest"
