"""Audits of anybody's split: read it, find what leaks, report it."""
