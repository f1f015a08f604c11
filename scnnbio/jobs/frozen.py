"""Imported last, it exempts all that was imported from garbage collection.

Processes that are forked afterwards would go through it, and so copy its memory.
"""

import gc

gc.freeze()
gc.enable()
