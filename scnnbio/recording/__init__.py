"""What a run, or a laboratory, recorded: flat arrays of spikes and signals with a trial table.

Everything after a run (analysis, claims, figures) reads a :class:`Recording` and nothing else. It
is stored in HDF5, and converted to a Neo block for Elephant or PyNN. It does not hold Neo objects,
since each costs about 1.6 ms per unit and trial.

Times are in ms since the trial began. A threshold crossing in the step from t to t + dt is recorded
as a spike at t + dt, so that the spike times of a trial of duration T lie in 0 < t <= T.
"""

from scnnbio.recording.checks import Shape
from scnnbio.recording.joining import concatenate
from scnnbio.recording.record import Recording
from scnnbio.recording.samples import Signal, Snapshots, Spikes
from scnnbio.recording.sonata import read_sonata, write_sonata
from scnnbio.recording.sweep_files import read_sweeps
from scnnbio.recording.sweeps import Sweep

__all__ = [
    "Recording",
    "Shape",
    "Signal",
    "Snapshots",
    "Spikes",
    "Sweep",
    "concatenate",
    "read_sonata",
    "read_sweeps",
    "write_sonata",
]
