"""What is run: plans, runs and pipelines; where it runs is a back end's matter."""
