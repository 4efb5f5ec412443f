"""Write who may use the object store: one key, for one bucket."""

import json
import os
from pathlib import Path

bucket = os.environ["LCC_BUCKET"]
# Admin of a bucket may make it; of no other, so that a typo is not a new bucket.
actions = ("Admin", "Read", "Write", "List", "Tagging")
identity = {
    "name": "lcc",
    "credentials": [
        {
            "accessKey": os.environ["AWS_ACCESS_KEY_ID"],
            "secretKey": os.environ["AWS_SECRET_ACCESS_KEY"],
        }
    ],
    "actions": [f"{action}:{bucket}" for action in actions],
}
Path("/etc/s3/s3.json").write_text(json.dumps({"identities": [identity]}))
