"""However often grading is killed and started again, the gradebook is that of an undisturbed run.

bench/kills.py does the same with twenty kills.
"""

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

from helpers.classroom import gradebook_of
from helpers.plain_class import NAME, RIGHT, WRONG, command, make_course, send
from ninelives.grading import __main__, worker_process
from ninelives.grading.cli import main
from ninelives.grading.course import CourseSettings
from ninelives.grading.kernel_pool import kernel_server
from ninelives.grading.lock import JOURNAL
from ninelives.grading.workers import Workers

KILLS = 7
TAKES_A_MOMENT = "import time\ntime.sleep(0.5)\n"  # so that there are kernels to be killed


def make_class(folder: Path) -> Path:
    """Six learners, of whom every other one is right."""
    course = make_course(folder)
    for number in range(6):
        send(course, f"student-{number}", TAKES_A_MOMENT + (WRONG if number % 2 else RIGHT))
    return course


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_class(tmp_path_factory.mktemp("interrupted"))


@pytest.fixture(scope="module")
def undisturbed(course, tmp_path_factory):
    other = tmp_path_factory.mktemp("undisturbed") / "course"
    shutil.copytree(course, other)
    command(other, "--workers", "2")
    return gradebook_of(other, NAME)


def children(pid: int) -> list[int]:
    """All descendants of a process, nearest first."""
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
    """The pid of the command itself, a worker, a kernel server or a kernel that is alive now."""
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
    return subprocess.Popen([sys.executable, "-m", "ninelives.grading", NAME, "--workers", "2"],
                            cwd=course, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def killed_and_started_again(course, kills: int) -> tuple[dict[str, int], set[str]]:
    """Grade a class while something is killed again and again, each kind in turn; then let it end.

    Whenever all are graded, all are graded again until there have been enough kills.

    Returns:
        how often each kind was killed, and the students who were graded again although their grades were safe.
    """
    moments, kinds = random.Random(5), ["command", "worker", "kernel", "forker"]
    killed, again = {kind: 0 for kind in kinds}, set()
    safe: dict[str, int] = {}  # when each student's grades were, until all are wanted again
    running, deadline = start(course), time.monotonic() + 120 * kills

    def look() -> None:
        for path in (course / JOURNAL / NAME).glob("*.json"):
            if safe.setdefault(path.stem, path.stat().st_mtime_ns) != path.stat().st_mtime_ns:
                again.add(path.stem)

    try:
        while sum(killed.values()) < kills:
            assert time.monotonic() < deadline, f"so many could be killed: {killed}"
            time.sleep(moments.uniform(0.2, 2))
            look()
            kind = min(kinds, key=lambda kind: (killed[kind], kinds.index(kind)))
            if running.poll() is not None:
                shutil.rmtree(course / JOURNAL)
                safe.clear()
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
                look()
                running = start(course)
        running.wait(timeout=600)
    finally:
        running.kill()
    command(course, "--workers", "2")
    look()
    return killed, again


def test_after_random_kills_nothing_is_lost_and_nobody_is_graded_twice(course, undisturbed):
    killed, again = killed_and_started_again(course, KILLS)
    assert min(killed.values()) >= 1 and not again
    assert gradebook_of(course, NAME) == undisturbed
    assert len(list((course / "autograded").glob("*/*/"))) == 6 and not list((course / "autograded").glob("*/.*"))


def test_processes_started_by_a_killed_command_die_with_it(course):
    shutil.rmtree(course / JOURNAL, ignore_errors=True)
    running = start(course)
    deadline = time.monotonic() + 120
    while (forker := victim(running.pid, "forker")) is None and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    started = children(running.pid)
    running.kill()
    running.wait()
    deadline = time.monotonic() + 120  # what is being imported is imported to its end
    while (left := [pid for pid in started if Path(f"/proc/{pid}/exe").exists()]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert forker in started and not left


def interrupted(*_, end=signal.SIGINT, **__):
    os.kill(os.getpid(), end)
    time.sleep(1)


@pytest.fixture
def heard():
    """Python's own handling of interrupts, which the command changes when it ends; that of SIGTERM comes back, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.getsignal(signal.SIGTERM)
    yield
    for name, handler in zip((signal.SIGINT, signal.SIGTERM), before):
        signal.signal(name, handler)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_during_the_start_gives_one_sentence(heard, monkeypatch, capsys, end):
    monkeypatch.setattr(worker_process, "import_less", lambda: interrupted(end=end))
    assert __main__.main() == 130
    assert capsys.readouterr().err == "\nInterrupted before anything was graded.\n"


def test_a_second_interrupt_does_not_interrupt_the_closing(course, heard, monkeypatch, capsys):
    closed = []

    def close(self, at_once=False):
        os.kill(os.getpid(), signal.SIGINT)
        closed.append(at_once)

    monkeypatch.setattr("ninelives.grading.cli.grade_class", interrupted)
    monkeypatch.setattr(Workers, "close", close)
    monkeypatch.chdir(course)
    assert main([NAME]) == 130
    assert closed == [True] and capsys.readouterr().err.startswith("\nInterrupted. What is graded is kept")


def test_a_new_worker_ignores_interrupts():
    workers = Workers(1)
    workers.submit(os.getpid)
    try:
        [pid] = workers.executor._processes
        status = Path(f"/proc/{pid}/status").read_text()
        unheard = [int(re.search(rf"{name}:\s+(\w+)", status)[1], 16) for name in ("SigBlk", "SigIgn")]
        assert any(mask >> signal.SIGINT - 1 & 1 for mask in unheard)
    finally:
        workers.close(at_once=True)


def test_a_worker_ignores_interrupts_but_its_kernels_get_them():
    workers = Workers(1)
    try:
        assert workers.submit(signal.getsignal, signal.SIGINT).result() == signal.SIG_IGN
        assert signal.SIGINT not in workers.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
    finally:
        workers.close()


def test_a_worker_has_its_kernels_from_the_commands_server():
    workers, wanted = Workers(1), (CourseSettings(), (), True)
    try:
        workers.start_server(*wanted)
        worker = workers.submit(os.getpid).result()
        assert "pickle" in str(workers.submit(kernel_server, *wanted).exception()), "it has a server, which cannot be sent here"
        assert not children(worker) and workers.server.process.pid in children(os.getpid())
    finally:
        workers.close()
