"""Tasks of HyperQueue, each the program `true`: it has no task that is not a program.

Usage: hyperqueue_true.py TASKS
"""

import contextlib
import os
import resource
import sys
import tempfile
import time

import polling


def cpu_with_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return polling.cpu_seconds() + used.ru_utime + used.ru_stime


def submit_and_wait(client, job_type, tasks):
    job = job_type()
    for _ in range(tasks):
        job.program(["true"], stdout=None, stderr=None)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        client.wait_for_jobs([client.submit(job)])


def main():
    import hyperqueue
    from hyperqueue.cluster import LocalCluster, WorkerConfig

    tasks = int(sys.argv[1])
    # Not in a `with`: its end is this process's end.
    cluster = LocalCluster(tempfile.mkdtemp(prefix="hyperqueue-"), WorkerConfig(cores=2))
    client = cluster.client()
    submit_and_wait(client, hyperqueue.Job, 10)
    wall, cpu = time.monotonic(), cpu_with_children()
    submit_and_wait(client, hyperqueue.Job, tasks)
    polling.say_and_end(
        {
            "wall_us_per_task": (time.monotonic() - wall) * 1e6 / tasks,
            "cpu_us_per_task": (cpu_with_children() - cpu) * 1e6 / tasks,
            "peer": "HyperQueue 0.27.0",
        }
    )


try:
    main()
except ImportError as missing:
    polling.say_and_end({"trouble": f"not installed: {missing}"})
