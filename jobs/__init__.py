"""Container entry points: `python -m jobs.<step> --settings FILE --run RUN_ID`.

One file per step, each: settings → objects → one call → exit code. Exit codes are API,
the same for a local process and a pod:

===  =======================================================================
 0   done
 1   failed
 2   settings that cannot work (never retried)
 3   data that cannot be used (never retried)
 4   a check found a fault: a leak, a gate not passed
 75  temporary: storage, MLflow or workers are away (retried)
143  stopped by SIGTERM after saving
===  =======================================================================
"""

import os

# Arrow's own pool keeps what it was once given: a step would grow to the sum of all its
# tables. Read once, when Arrow is loaded.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
