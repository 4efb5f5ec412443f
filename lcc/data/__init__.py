"""What is known of images: digests, features, packed tiles and the catalogue."""
