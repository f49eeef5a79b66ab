"""Killed at any moment and started again, a class ends with the gradebook of one that was left in peace."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from grading.classroom import ANSWERS, NAME, command, filled, make_course, send
from grading.test_command import gradebook_of

KILLS = 7


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("interrupted"))
    for number in range(6):
        answers = {name: ANSWERS[name] for name in list(ANSWERS)[: number % 4]}
        send(course, f"student-{number}", filled(course, answers))
    return course


@pytest.fixture(scope="module")
def undisturbed(course, tmp_path_factory):
    other = tmp_path_factory.mktemp("undisturbed") / "course"
    shutil.copytree(course, other)
    command(other)
    return gradebook_of(other)


def children(pid: int) -> list[int]:
    """Every process that a process has started, and theirs, nearest first."""
    found, waiting = [], [pid]
    while waiting:
        try:
            for thread in Path(f"/proc/{waiting.pop(0)}/task").iterdir():
                own = [int(child) for child in (thread / "children").read_text().split()]
                found += own
                waiting += own
        except OSError:
            continue
    return found


def victim(pid: int, kind: str) -> int | None:
    """The command itself, a worker, what forks the kernels, or a kernel: one that lives now."""
    if kind == "command":
        return pid
    found = []
    for child in children(pid):
        try:
            line = Path(f"/proc/{child}/cmdline").read_bytes()
            forker = b"grading.kernel" in line
            parent = int(re.search(r"PPid:\s+(\d+)", Path(f"/proc/{child}/status").read_text())[1])
            forked = b"grading.kernel" in Path(f"/proc/{parent}/cmdline").read_bytes()
        except (OSError, TypeError):
            continue
        if kind == ("kernel" if forked else "forker" if forker else "worker" if b"spawn_main" in line else "other"):
            found.append(child)
    return found[-1] if found else None


def start(course) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-m", "ninelives.grading.command", NAME, "--workers", "2"],
                            cwd=course, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_killed_at_random_moments_nothing_is_lost_and_nobody_graded_twice(course, undisturbed):
    moments, kinds = random.Random(5), ["command", "worker", "kernel", "forker"]
    killed = {kind: 0 for kind in kinds}
    running = start(course)
    while sum(killed.values()) < KILLS:
        time.sleep(moments.uniform(0.5, 4))
        kind = min(kinds, key=lambda kind: (killed[kind], kinds.index(kind)))
        if running.poll() is not None:
            shutil.rmtree(course / ".ninelives-grade")  # all are graded: all again
            running = start(course)
            continue
        pid = victim(running.pid, kind)
        if pid is None:
            continue
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed[kind] += 1
        if kind == "command":
            running.wait()
            running = start(course)
    running.wait()
    command(course)
    assert gradebook_of(course) == undisturbed
    assert min(killed.values()) >= 1
    assert len(list((course / "autograded").glob("*/*/"))) == 6 and not list((course / "autograded").glob("*/.*"))


def test_what_a_killed_command_has_started_dies_with_it(course):
    running = start(course)
    shutil.rmtree(course / ".ninelives-grade", ignore_errors=True)
    deadline = time.monotonic() + 60
    while victim(running.pid, "forker") is None and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    started = children(running.pid)
    running.kill()
    running.wait()
    deadline = time.monotonic() + 20
    while (left := [pid for pid in started if Path(f"/proc/{pid}/exe").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert started and not left
