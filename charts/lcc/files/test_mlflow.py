"""Make a run with a metric and an artifact, read both back, delete it, as a worker."""

import sys
import tempfile
import uuid
from pathlib import Path

from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts

client = MlflowClient()
experiment = client.create_experiment(f"lcc-chart-test-{uuid.uuid4()}")
try:
    run = client.create_run(experiment).info.run_id
    client.log_metric(run, "accuracy", 0.5)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "note.txt").write_text("lcc")
        client.log_artifact(run, str(Path(folder, "note.txt")))
    client.set_terminated(run)
    metric = client.get_run(run).data.metrics.get("accuracy")
    note = Path(download_artifacts(run_id=run, artifact_path="note.txt")).read_text()
    client.delete_run(run)
finally:
    client.delete_experiment(experiment)
if (metric, note) != (0.5, "lcc"):
    sys.exit(f"run {run}: must give 0.5 and lcc, got {metric} and {note}")
sys.stdout.write("MLflow: keeps metrics and artifacts\n")
