"""Imported first by the server of processes, which is a process of ours, as the command's is.

No package of ours comes before it: what the package imports would be imported whole.
"""

import gc

from scnnbio._later import own_process

gc.disable()  # there is no garbage to be found among what is imported; see scnnbio.jobs.frozen
own_process()
