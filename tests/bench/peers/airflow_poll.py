"""Airflow's own TriggerRunner, given its triggers directly: no supervisor, no database."""

import asyncio
import os
import sys
import tempfile

home = tempfile.mkdtemp(prefix="airflow-")
os.environ.update(
    AIRFLOW_HOME=home,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=f"sqlite:///{home}/airflow.db",
    AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
)

import polling  # noqa: E402


class NoSupervisor:
    """What arun asks of the connection to a supervisor: that it is still there."""

    def __init__(self):
        self._reader_task = asyncio.get_running_loop().create_future()


def runner_without_supervisor():
    from airflow.jobs.triggerer_job_runner import TriggerRunner

    class Runner(TriggerRunner):
        async def init_comms(self):
            self.comms_decoder = NoSupervisor()

        async def sync_state_to_supervisor(self, finished_ids):
            if finished_ids or self.failed_triggers:
                polling.say_and_end({"trouble": f"triggers ended: {list(self.failed_triggers)[:1]}"})

    return Runner()


async def main():
    from airflow.executors import workloads
    from airflow.models.trigger import Trigger
    import airflow
    import airflow_job_trigger

    what, url, jobs, seconds = polling.arguments()
    service = polling.Service(url)
    await service.has_ended("job-0000000000000001")
    airflow_job_trigger.JobTrigger.service = service
    runner = runner_without_supervisor()
    interval = 0 if what == "poll" else 3600
    memory = polling.resident_bytes()
    for number, job in enumerate(polling.job_ids(jobs), 1):
        runner.to_create.append(
            workloads.RunTrigger(
                id=number,
                classpath="airflow_job_trigger.JobTrigger",
                encrypted_kwargs=Trigger.encrypt_kwargs({"job": job, "interval": interval}),
                timeout_after=None,
                ti=None,
            )
        )
    running = asyncio.create_task(runner.arun())
    figures = await polling.measured(
        what, service, jobs, seconds, memory, lambda: airflow_job_trigger.JobTrigger.begun
    )
    if running.done():
        figures = {"trouble": f"the runner ended: {running.exception()}"}
    figures["peer"] = f"Airflow {airflow.__version__} TriggerRunner"
    polling.say_and_end(figures)


sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    asyncio.run(main())
except ImportError as missing:
    polling.say_and_end({"trouble": f"not installed: {missing}"})
