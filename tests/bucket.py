"""A service that speaks S3 (moto), for the tests of files that lie in a bucket."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from tests.product import free_port

NAME = "sightline"


@contextmanager
def service() -> Iterator[tuple[ThreadedMotoServer, dict[str, str]]]:
    """A service with an empty bucket, and the variables that lead there."""
    # Else each request stands in the output of a test that fails.
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server = ThreadedMotoServer("127.0.0.1", free_port(), verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    leads = {
        "AWS_ENDPOINT_URL_S3": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        # Else boto3 asks the network whether this machine is one of Amazon's.
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    with pytest.MonkeyPatch.context() as patched:
        for name, value in leads.items():
            patched.setenv(name, value)
        # What an earlier one held is the process's.
        requests.post(f"{leads['AWS_ENDPOINT_URL_S3']}/moto-api/reset", timeout=20)
        boto3.client("s3").create_bucket(Bucket=NAME)
        try:
            yield server, leads
        finally:
            server.stop()


def names() -> list[str]:
    """All that lies in the bucket."""
    found = boto3.client("s3").list_objects_v2(Bucket=NAME).get("Contents", [])
    return [entry["Key"] for entry in found]


def contents() -> list[bytes]:
    client = boto3.client("s3")
    return [client.get_object(Bucket=NAME, Key=name)["Body"].read() for name in names()]
