"""Makes the job queue q and the job definition d on the server at the URL given, unless they are there."""

import json
import sys
import urllib.error
import urllib.parse
import urllib.request

SERVER = sys.argv[1]
# moto does not check signatures, only who is said to have signed and for which service.
SIGNED = "AWS4-HMAC-SHA256 Credential=x/20200101/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=x"


def ask(service, path, body, content_type="application/json"):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": SIGNED.format(service), "Content-Type": content_type}
    with urllib.request.urlopen(urllib.request.Request(SERVER + path, data, headers), timeout=30) as answer:
        return answer.read()


def batch(action, body):
    return json.loads(ask("batch", "/v1/" + action, body))


if not batch("describejobqueues", {"jobQueues": ["q"]})["jobQueues"]:
    form = {"Action": "CreateRole", "Version": "2010-05-08", "RoleName": "r", "AssumeRolePolicyDocument": "{}"}
    try:
        ask("iam", "/", urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded")
    except urllib.error.HTTPError as e:
        if e.code != 409:
            raise
    role = "arn:aws:iam::123456789012:role/r"
    environment = batch("createcomputeenvironment", {
        "computeEnvironmentName": "ce1", "type": "UNMANAGED", "serviceRole": role})["computeEnvironmentArn"]
    batch("createjobqueue", {
        "jobQueueName": "q", "priority": 1, "state": "ENABLED",
        "computeEnvironmentOrder": [{"order": 1, "computeEnvironment": environment}]})
if not batch("describejobdefinitions", {"jobDefinitionName": "d"})["jobDefinitions"]:
    batch("registerjobdefinition", {
        "jobDefinitionName": "d", "type": "container",
        "containerProperties": {"image": "bb:1", "vcpus": 1, "memory": 64, "command": ["sh", "-c", "echo hi"]}})
