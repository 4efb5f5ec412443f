"""Honest lung-cancer tile classifiers: families never split, on one machine or a cluster."""

__version__ = "0.1.0"
