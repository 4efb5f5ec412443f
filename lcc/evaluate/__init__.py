"""The sealed test: metrics with intervals over groups, baselines, plots, report."""
