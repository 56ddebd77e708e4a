"""One asyncio task a job that asks about it and sleeps: what a Python programmer writes, and the shape of Airflow's
triggerer."""

import asyncio

import polling


async def watch(service, job, interval, begun):
    begun.append(None)
    while True:
        if interval:
            await asyncio.sleep(interval)
        if await service.has_ended(job):
            return


async def main():
    what, url, jobs, seconds = polling.arguments()
    service = polling.Service(url)
    await service.has_ended("job-0000000000000001")
    memory = polling.resident_bytes()
    begun = []
    interval = 0 if what == "poll" else 3600
    tasks = [asyncio.create_task(watch(service, job, interval, begun)) for job in polling.job_ids(jobs)]
    figures = await polling.measured(what, service, jobs, seconds, memory, lambda: len(begun))
    if any(task.done() for task in tasks):
        figures = {"trouble": "a job was given up"}
    polling.say_and_end(figures)


try:
    asyncio.run(main())
except ImportError as missing:
    polling.say_and_end({"trouble": f"not installed: {missing}"})
