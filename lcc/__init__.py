"""Honest lung-cancer tile classifiers: families never split, laptop to cluster."""

__version__ = "0.1.0"
