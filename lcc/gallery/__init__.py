"""Families as HTML pages of pictures, and why an image is in its family."""
