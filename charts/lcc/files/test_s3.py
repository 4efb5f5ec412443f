"""Write, read and delete an object, as a worker does."""

import os
import sys
import uuid

import boto3

bucket, key, body = os.environ["LCC_BUCKET"], f"check/{uuid.uuid4()}", b"lcc"
client = boto3.client("s3")
client.put_object(Bucket=bucket, Key=key, Body=body)
found = client.get_object(Bucket=bucket, Key=key)["Body"].read()
client.delete_object(Bucket=bucket, Key=key)
left = client.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"]
if (found, left) != (body, 0):
    sys.exit(f"s3://{bucket}/{key}: must give {body!r} and go, got {found!r}, {left}")
sys.stdout.write(f"s3://{bucket}: takes, gives and deletes objects\n")
