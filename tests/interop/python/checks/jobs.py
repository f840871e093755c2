"""Executions of a job, with the SDK's helper."""

from datetime import datetime

from blaxel.core import client
from blaxel.core.client.api.jobs import (
    create_job,
    create_job_execution,
    delete_job,
    delete_job_execution,
    get_job_execution,
    list_job_execution_tasks,
    list_job_executions,
)
from blaxel.core.client.models import Job
from blaxel.core.jobs import bl_job

from .harness import PREFIX, check, equal, good, raises, refused, walk

JOB = f"{PREFIX}-runs"
CHOSEN = f"{PREFIX}-chosen"
first = None


def job():
    return bl_job(JOB)


@check("job: run starts an execution, whose tasks are counted")
def _():
    global first
    runtime = {"image": "registry/job:1", "memory": 2048, "maxRetries": 1, "timeout": 60}
    body = Job.from_dict({"metadata": {"name": JOB}, "spec": {"enabled": True, "runtime": runtime}})
    good(create_job.sync(client=client, body=body), Job)
    first = job().run([{"number": 1}, {"number": 2}, {"number": 3}], memory=1024)
    execution = job().get_execution(first)
    equal(execution.metadata.id, first)
    equal(execution.metadata.job, JOB)
    equal(execution.spec.memory_override, 1024)
    equal(execution.stats.total, 3)
    assert execution.status in ("queued", "pending", "running"), execution.status


@check("job: an execution is waited for until it has succeeded")
async def _():
    execution = await job().await_for_execution(first, max_wait=10, interval=1)
    equal(execution.status, "succeeded")
    equal(execution.stats.success, 3)
    started, completed = execution.metadata.started_at, execution.metadata.completed_at
    assert datetime.fromisoformat(completed) >= datetime.fromisoformat(started), execution.metadata
    equal(job().get_execution_status(first), "succeeded")


@check("job: an execution is cancelled, and its end waited for")
def _():
    execution = job().run([{"number": 4}], execution_id=CHOSEN)
    equal(execution, CHOSEN)
    job().cancel_execution(execution)
    assert job().get_execution_status(execution) in ("cancelling", "cancelled")
    ended = job().wait_for_execution(execution, max_wait=10, interval=1)
    equal(ended.status, "cancelled")


@check("job: an execution is waited for until it has failed")
async def _():
    execution = await job().arun([{"number": 5}], env={"EMULATOR_OUTCOME": "failed"})
    ended = await job().await_for_execution(execution, max_wait=10, interval=1)
    equal(ended.status, "failed")
    equal(ended.stats.failure, 1)


@check("job: executions are listed by pages, the newest first")
async def _():
    found = [
        one.metadata.id async for one in (await job().alist_executions(limit=2)).auto_paging_iter()
    ]
    equal(len(found), 3)
    equal(found[1:], [CHOSEN, first])
    ids, sizes = walk(list_job_executions, JOB, mapper=lambda one: one.metadata.id, limit=2)
    equal((ids, sizes), (found, [2, 1]))


@check("job: the tasks of an execution are listed by pages")
def _():
    states, sizes = walk(
        list_job_execution_tasks, JOB, first, mapper=lambda task: str(task.status), limit=2
    )
    equal(states, ["succeeded"] * 3)
    equal(sizes, [2, 1])


@check("job: what cannot run is refused")
async def _():
    refused(400, create_job_execution, JOB, body={"tasks": [{}], "memory": 4096})
    refused(404, create_job_execution, "nobody-knows-me", body={"tasks": [{}]})
    refused(404, get_job_execution, JOB, "nobody-knows-me")
    refused(404, delete_job_execution, JOB, "nobody-knows-me")
    # The exceptions of the helpers contain only a text.
    error = await raises(Exception, job().aget_execution("nobody-knows-me"))
    assert "nobody-knows-me" in str(error), error


@check("job: its executions go with it")
def _():
    good(delete_job.sync(JOB, client=client), Job)
    refused(404, get_job_execution, JOB, first)
    refused(404, list_job_executions, JOB)
