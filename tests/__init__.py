"""A package, so that an installed package named ``tests`` cannot stand in its place."""
