"""Which images were made from one source: candidates, edges, families and groups.

Knows features and numbers of rows; labels and splits it never sees.
"""
