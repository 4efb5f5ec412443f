"""Objects under one root URI, on a folder or on S3, and where each object lies."""
