"""From a folder of images to a proven catalogue: digests, families, splits, tiles."""
