"""Names of the environment variables that processes read and write.

A setting has a variable of its own (`lcc.config.fields.environment_name`); those here
are no settings.
"""

# Ours. Steps find them in a pod or a process that was started for a run.
SETTINGS = "LCC_SETTINGS"  # a pod's settings as YAML, named by --settings env:…
WORKERS = "LCC_WORKERS"  # host:port of each worker of one training, with commas
JOB_NAME = "LCC_JOB_NAME"  # the Kubernetes Job of a pod
POD_NAME = "LCC_POD_NAME"  # the pod; set in pods alone
DRIVER_PID = "LCC_DRIVER_PID"  # the local driver, whose end is the end of its processes
LOG_LEVEL = "LCC_LOG_LEVEL"  # of Python's logging, e.g. DEBUG
TEST_PREFIX = "LCC_TEST_"  # files and servers of the tests

OWN_PREFIX = "LCC_"
OWN = (SETTINGS, WORKERS, JOB_NAME, POD_NAME, DRIVER_PID, LOG_LEVEL, TEST_PREFIX)

# Of others, as they spell them.
COMPLETION_INDEX = "JOB_COMPLETION_INDEX"  # Kubernetes: number of a pod in its Job
TF_CONFIG = "TF_CONFIG"  # TensorFlow: the workers of a training, as JSON
TF_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"  # TensorFlow: 2 hides all but errors
PLOT_BACKEND = "MPLBACKEND"  # Matplotlib
S3_ENDPOINT = "AWS_ENDPOINT_URL_S3"  # boto3
S3_ACCESS_KEY = "AWS_ACCESS_KEY_ID"
S3_SECRET_KEY = "AWS_SECRET_ACCESS_KEY"  # noqa: S105 - the name of a variable
TRACKING_URI = "MLFLOW_TRACKING_URI"  # MLflow
NO_TELEMETRY = "MLFLOW_DISABLE_TELEMETRY"
