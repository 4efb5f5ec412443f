"""Images as files: listings, digests, features, packed tiles and the catalogue."""
