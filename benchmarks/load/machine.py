"""What the kernel knows of processes: processor time, memory, open files."""

import os
import resource
from pathlib import Path


def cpu_s(pid: int) -> float:
    """Processor time of a process: fields 14 and 15 of proc(5) `stat`, behind a name that may hold anything."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_cpu_s() -> float:
    """Processor time of this process and of those of its children that have ended."""
    return sum(os.times()[:4])


def machine_cpu_s() -> float:
    """Processor time that all processes of the machine have had."""
    user, nice, system, *_ = map(int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def memory_kb(pid: int) -> int:
    """What a process has of the machine's memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def allow_open_files(wanted: int) -> None:
    """Lets this process, and those that it starts, open so many files. Raises OSError where the system allows fewer."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise OSError(f"{wanted} open files are needed and `ulimit -Hn` allows {hard}")
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
