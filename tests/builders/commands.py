"""The installed command, run as a user runs it."""

import subprocess
import sys
from pathlib import Path


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [str(Path(sys.executable).with_name("lcc-launch")), *arguments]
    return subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def launch(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(folder, *arguments)
    output, talk = process.communicate()
    return process.returncode, output, talk


def steps_of(run_id: str) -> list[str]:
    """Return the command lines of a run's processes."""
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = file.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # ended while we looked
            continue
        if f"--run {run_id}" in line:
            lines.append(line)
    return lines
