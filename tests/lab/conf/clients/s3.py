# mypy: ignore-errors
"""A client of the object store: `prepare` fills it and turns access checks on, anything else asks for an object."""

import datetime as dt
import json
import sys
import urllib.request
from pathlib import Path

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_AT = "http://s3.example.test"
_OBJECT = f"{_AT}/reports/2026/plan.txt"
_SEALED = f"{_AT}/reports/sealed/plan.txt"


def _control(path: str, body: str) -> None:
    request = urllib.request.Request(f"{_AT}{path}", body.encode(), {"Content-Type": "text/plain"}, method="POST")
    urllib.request.urlopen(request).read()


def prepare(state: Path) -> None:
    """A bucket, an object, user alice without any rights and user bob who may read; then checks are on."""
    if state.exists():
        return
    admin = {"aws_access_key_id": "admin", "aws_secret_access_key": "admin", "region_name": "us-east-1"}
    s3, iam = (boto3.client(name, endpoint_url=_AT, **admin) for name in ("s3", "iam"))
    s3.create_bucket(Bucket="reports")
    s3.put_object(Bucket="reports", Key="2026/plan.txt", Body=b"plan\n")
    found = {}
    for user in ("alice", "bob"):
        iam.create_user(UserName=user)
        key = iam.create_access_key(UserName=user)["AccessKey"]
        found[user] = (key["AccessKeyId"], key["SecretAccessKey"])
    may_read = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may_read]})
    s3.put_object(Bucket="reports", Key="sealed/plan.txt", Body=b"sealed\n")
    sealed = may_read | {"Effect": "Deny", "Principal": "*", "Resource": "arn:aws:s3:::reports/sealed/*"}
    s3.put_bucket_policy(Bucket="reports", Policy=json.dumps({"Version": "2012-10-17", "Statement": [sealed]}))
    s3.create_bucket(Bucket="shared")
    s3.put_object(Bucket="shared", Key="a.txt", Body=b"a\n")
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example.test"]}
    s3.put_bucket_cors(Bucket="shared", CORSConfiguration={"CORSRules": [rule]})
    iam.put_user_policy(UserName="bob", PolicyName="read", PolicyDocument=policy)
    state.write_text(json.dumps(found))
    _control("/moto-api/reset-auth", "0")


def ask(kind: str, state: Path) -> int:
    """The status that the store gives."""
    keys = json.loads(state.read_text())
    name, secret = keys["alice" if kind == "policy" else "bob"]
    if kind == "signature":
        secret = secret[::-1]
    if kind == "unknown-key":
        name = "AKIAIOSFODNN7EXAMPLE"
    request = AWSRequest("GET", _SEALED if kind == "sealed" else _OBJECT)
    credentials = Credentials(name, secret)
    S3SigV4Auth(credentials, "s3", "us-east-1").add_auth(request)
    prepared = request.prepare()
    call = urllib.request.Request(prepared.url, headers=dict(prepared.headers))
    try:
        with urllib.request.urlopen(call) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        print(refused.read().decode())
        return refused.code


if __name__ == "__main__":
    where = Path(sys.argv[2]) / "s3.json"
    print(f"{dt.datetime.now(dt.UTC):%H:%M:%S}")
    if sys.argv[1] == "prepare":
        prepare(where)
    else:
        print(f"lab-status={ask(sys.argv[1], where)}")
