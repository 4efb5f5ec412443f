"""The sealed test: metrics with intervals over groups, canaries, plots, report."""
