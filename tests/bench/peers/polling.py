"""What the peers that poll share: how a job is asked about, and how a process measures itself."""

import asyncio
import json
import os
import resource
import sys

CONNECTIONS = 64
END_STATES = {"SUCCEEDED", "FAILED", "CANCELLED"}


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def job_ids(count):
    return [f"job-{number:016d}" for number in range(1, count + 1)]


class Service:
    """The job server, asked over as many connections as potoo uses."""

    def __init__(self, url):
        import aiohttp

        self.url = url
        self.polls = 0
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS))

    async def has_ended(self, job):
        async with self.session.get(f"{self.url}/jobs/{job}") as response:
            status = await response.json()
        self.polls += 1
        return status["state"] in END_STATES


async def measured(what, service, jobs, seconds, memory_before, all_wait):
    """Waits until every job waits or is asked about; then one figure, by name.

    all_wait: says how many coroutines have begun.
    """
    while all_wait() < jobs:
        await asyncio.sleep(0.1)
    if what == "memory":
        await asyncio.sleep(1)
        return {"rss_per_job": (resident_bytes() - memory_before) / jobs}
    await asyncio.sleep(2)
    polls, cpu = service.polls, cpu_seconds()
    await asyncio.sleep(seconds)
    return {"cpu_us_per_poll": (cpu_seconds() - cpu) * 1e6 / (service.polls - polls)}


def say_and_end(figures):
    """Without taking thousands of suspended coroutines apart."""
    sys.stdout.write("\n" + json.dumps(figures) + "\n")
    sys.stdout.flush()
    os._exit(0)


def arguments():
    if len(sys.argv) != 5 or sys.argv[1] not in ("poll", "memory"):
        sys.exit(f"usage: {sys.argv[0]} poll|memory SERVER_URL JOBS SECONDS")
    return sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
