"""Grid search with k-fold cross-validation: index to trial, results to best point."""
