"""Which images were made from one source: candidates, links, families and groups.

Knows features and numbers of rows; labels and splits it never sees.
"""
