"""How many submissions are graded at a time."""

import os

import pytest

from ninelives.grading.capacity import usable_workers


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize(("processors", "files", "workers"), [
    (8, {}, 8),
    (8, {"proc/meminfo": "MemTotal: 1 kB\nMemAvailable:   4194304 kB\n"}, 4),
    (8, {"proc/self/cgroup": "0::/job/step", "cgroup/job/cpu.max": "300000 100000", "cgroup/job/step/cpu.max": "max 100000"}, 3),
    (8, {"proc/self/cgroup": "0::/job", "cgroup/job/memory.max": str(2 << 30), "proc/meminfo": "MemAvailable: 99999999 kB"}, 2),
    (8, {"proc/self/cgroup": "0::/", "cgroup/cpu.max": "150000 100000", "cgroup/memory.max": "max"}, 1),  # inside a container
    (8, {"proc/self/cgroup": "0::/", "cgroup/memory.max": "1000"}, 1),
    (2, {"proc/self/cgroup": "4:memory:/c\n3:cpu:/c", "cgroup/memory/c/memory.limit_in_bytes": str(9 << 30),
         "cgroup/cpu/c/cpu.cfs_quota_us": "-1", "cgroup/cpu/c/cpu.cfs_period_us": "100000"}, 2),
    (8, {"proc/self/cgroup": "3:cpu:/c", "cgroup/cpu/c/cpu.cfs_quota_us": "250000", "cgroup/cpu/c/cpu.cfs_period_us": "100000"}, 2),
    (2, {"proc/self/cgroup": "3:cpu:/c", "cgroup/cpu/c/cpu.cfs_period_us": "100000"}, 2),
    (1, {"proc/self/cgroup": "0::/x", "cgroup/x/cpu.max": "nonsense"}, 1),
])
def test_as_many_workers_as_processors_may_be_used_and_memory_holds(tmp_path, monkeypatch, processors, files, workers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(processors)))
    write(tmp_path, files)
    assert usable_workers(tmp_path / "proc", tmp_path / "cgroup") == workers
