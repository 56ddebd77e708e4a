#!/usr/bin/env python3
"""AWS Batch as far as a benchmark needs it: SubmitJob, arrays too, DescribeJobs and ListJobs; a job runs for some seconds
and succeeds. Answers are as long as AWS's own. Signatures are not looked at. GET /counts tells what it was asked.

usage: aws_batch_server.py SECONDS    prints its port"""
import asyncio
import json
import sys
import time
import uuid

RUNS_FOR = float(sys.argv[1])
jobs = {}  # id -> (name, time of submission)
counts = {"submitjob": 0, "describejobs": 0, "described": 0, "listjobs": 0, "describejobs_times": []}
ARN = "arn:aws:batch:us-east-1:123456789012:"
BEFORE = '{"jobArn":"' + ARN + 'job/%s","jobName":"%s","jobId":"%s","jobQueue":"' + ARN + 'job-queue/q","status":"%s",'
BEHIND = ('"attempts":[],"createdAt":1780000000000,"retryStrategy":{"attempts":1,"evaluateOnExit":[]},"startedAt":1780000001000,'
          '"dependsOn":[],"jobDefinition":"' + ARN + 'job-definition/d:1","parameters":{},"container":{"image":'
          '"123456789012.dkr.ecr.us-east-1.amazonaws.com/align:7","command":["align","--threads","4"],"jobRoleArn":'
          '"arn:aws:iam::123456789012:role/batch-job","volumes":[],"environment":[{"name":"MANAGED_BY_AWS","value":'
          '"STARTED_BY_STEP_FUNCTIONS"}],"mountPoints":[],"ulimits":[],"containerInstanceArn":"arn:aws:ecs:us-east-1:'
          '123456789012:container-instance/5406d7cd-58bd-4b8f-9936-48d7c6b1526c","taskArn":"arn:aws:ecs:us-east-1:'
          '123456789012:task/5406d7cd-58bd-4b8f-9936-48d7c6b1526c","logStreamName":"d/default/5406d7cd-58bd-4b8f-9936-'
          '48d7c6b1526c","networkInterfaces":[],"resourceRequirements":[{"value":"1","type":"VCPU"},{"value":"2048","type":'
          '"MEMORY"}],"secrets":[]},"tags":{"potoo:token":"%s"},"propagateTags":false,"platformCapabilities":["EC2"]}')


def described(job_id, now):
    name, since = jobs[job_id]
    status = "SUCCEEDED" if now - since > RUNS_FOR else "RUNNING"
    return BEFORE % (job_id, name, job_id, status) + BEHIND % name


def answer(path, body):
    now = time.monotonic()
    if path == "/counts":
        return json.dumps(counts)
    asked = json.loads(body)
    operation = path.rpartition("/")[2]
    counts[operation] += 1
    if operation == "describejobs":
        counts["described"] += len(asked["jobs"])
        counts["describejobs_times"].append(round(now, 3))
        return '{"jobs":[' + ",".join(described(j, now) for j in asked["jobs"] if j in jobs) + "]}"
    if operation == "submitjob":
        job_id = str(uuid.uuid4())
        jobs[job_id] = (asked["jobName"], now)
        for i in range(asked.get("arrayProperties", {}).get("size", 0)):
            jobs[f"{job_id}:{i}"] = (asked["jobName"], now)
        return json.dumps({"jobArn": ARN + "job/" + job_id, "jobName": asked["jobName"], "jobId": job_id})
    name = asked["filters"][0]["values"][0]
    return json.dumps({"jobSummaryList": [{"jobId": i, "jobName": n} for i, (n, _) in jobs.items() if n == name]})


class Connection(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.data = b""

    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\r\n\r\n")) >= 0:
            head = self.data[:end].decode("latin-1")
            length = next((int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")), 0)
            if len(self.data) < end + 4 + length:
                return
            body = self.data[end + 4:end + 4 + length]
            self.data = self.data[end + 4 + length:]
            text = answer(head.split(" ", 2)[1], body).encode()
            self.transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
                                 % len(text) + text)


async def main():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
