"""The same command on a Dask cluster of two workers, one of which is killed."""

import json
import os
import subprocess
import sys
import time

import pytest
from distributed import LocalCluster

from helpers import classroom
from helpers.plain_class import NAME, RIGHT, WRONG, make_course, send
from ninelives.grading.errors import CannotStart
from ninelives.grading.workers import Workers


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("many"))
    for number in range(8):
        send(course, f"student-{number}", WRONG if number % 2 else RIGHT)
    return course


def grade(course, workers, force=True):
    return classroom.grade_here(course, workers, force=force, assignment=NAME)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A scheduler's address and the processes of two workers."""
    there = tmp_path_factory.mktemp("cluster")
    file, log = there / "scheduler.json", (there / "log").open("w")

    def start(what, *arguments):
        return subprocess.Popen([sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard", *arguments], cwd=there,
                                stdout=log, stderr=log, env=os.environ | {"OMP_NUM_THREADS": "1"})

    processes = [start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))]
    try:
        deadline = time.monotonic() + 120
        while True:
            try:
                address = json.loads(file.read_text())["address"]
                break
            except (FileNotFoundError, json.JSONDecodeError):  # it is there before it is written
                assert time.monotonic() < deadline, (there / "log").read_text()
                time.sleep(0.2)
        processes += [start("worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny") for _ in range(2)]
        from distributed import Client

        with Client(address, timeout="60s") as client:
            client.wait_for_workers(2, timeout=120)
        yield address, processes[1:]
    finally:
        for process in processes:
            process.kill()
            process.wait()
        log.close()


@pytest.fixture(scope="module")
def here(course):
    """The gradebook that one process writes."""
    workers = Workers(1)
    grade(course, workers, force=False)
    workers.close()
    return classroom.gradebook_of(course, NAME)


def test_a_cluster_writes_the_same_gradebook(here, course, cluster):
    workers = Workers(1, cluster[0])
    assert workers.count == 2
    lines, said = grade(course, workers)
    workers.close()
    assert [line.score for line in lines] == [here[line.student]["score"] for line in lines] and "Beware" not in said
    assert classroom.gradebook_of(course, NAME) == here


def test_a_killed_worker_costs_only_time(here, course, cluster, monkeypatch):
    address, processes = cluster
    from ninelives.grading.gradebook import Recorder

    recorded, done = Recorder.record, []

    def record(self, student, *rest):
        done.append(student)
        if len(done) == 2:
            processes[0].kill()
        return recorded(self, student, *rest)

    monkeypatch.setattr(Recorder, "record", record)
    workers = Workers(1, address)
    lines, _ = grade(course, workers)
    workers.close()
    assert processes[0].wait(timeout=30) != 0
    assert sorted(done) == sorted(here) and all(line.score is not None for line in lines)
    assert classroom.gradebook_of(course, NAME) == here


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "127.0.0.1", "http://127.0.0.1:8786"])
def test_an_address_without_a_scheduler_is_reported(address, impatient):
    with pytest.raises(CannotStart, match=f"no Dask scheduler at {address}: .*Start one with dask scheduler"):
        Workers(1, address)


def test_a_scheduler_without_workers_is_reported():
    with LocalCluster(n_workers=0, dashboard_address=":0") as empty:
        with pytest.raises(CannotStart, match=f"no workers: start some with dask worker {empty.scheduler_address}$"):
            Workers(1, empty.scheduler_address)
