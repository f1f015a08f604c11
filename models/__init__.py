"""Networks that ship with scnnbio, one file each: ``build(**parameters) -> Network``."""
