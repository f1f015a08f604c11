"""Imported first by the server of processes, which is a process of ours, as the command's is.

No package of ours comes before it: what the package imports would be imported whole.
"""

import gc

from scnnbio._later import own_process

gc.disable()  # until all is imported: scnnbio.jobs.frozen
own_process()
