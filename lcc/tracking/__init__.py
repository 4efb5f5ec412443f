"""What a run reports: spooled by every process, sent to MLflow by one sender."""
