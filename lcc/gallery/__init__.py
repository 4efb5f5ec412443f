"""Families and links as pages of pictures, and why an image is where it is."""
