"""Typed settings: what may be set, its bounds and defaults, how sources merge."""
