"""Find images that were made from one source tile, and those that overlap.

Knows features and numbers of rows; labels and splits it never sees.
"""
