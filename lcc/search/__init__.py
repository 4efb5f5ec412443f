"""Grid times k-fold as pure arithmetic: index to trial, results to best point."""
