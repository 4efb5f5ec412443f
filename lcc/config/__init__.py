"""Typed settings: what may be set, its bounds and defaults, and how sources are merged."""
