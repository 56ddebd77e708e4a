"""A trigger that waits for a job, as a provider package would have it."""

import asyncio

from airflow.triggers.base import BaseTrigger, TriggerEvent


class JobTrigger(BaseTrigger):
    service = None  # shared by all, which is kinder than the session a trigger that providers have
    begun = 0

    def __init__(self, job, interval):
        super().__init__()
        self.job = job
        self.interval = interval

    def serialize(self):
        return "airflow_job_trigger.JobTrigger", {"job": self.job, "interval": self.interval}

    async def run(self):
        JobTrigger.begun += 1
        while True:
            if self.interval:
                await asyncio.sleep(self.interval)
            if await self.service.has_ended(self.job):
                break
        yield TriggerEvent(self.job)
