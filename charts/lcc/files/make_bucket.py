"""Make the bucket, unless it is there; wait for the object store at most 240 s."""

import os
import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

bucket = os.environ["LCC_BUCKET"]
client = boto3.client("s3")
deadline = time.monotonic() + 240  # the pod has 300
while True:
    try:
        client.create_bucket(Bucket=bucket)
        break
    except client.exceptions.BucketAlreadyOwnedByYou:
        break
    except (BotoCoreError, ClientError) as err:
        if time.monotonic() > deadline:
            sys.exit(f"bucket {bucket}: must be made within 240 s, got {err}")
        time.sleep(2)
client.put_object(Bucket=bucket, Key="check/bucket", Body=b"lcc")
sys.stdout.write(f"bucket {bucket}: there\n")
