"""What leaks in anybody's split: how it is read, judged and reported."""
