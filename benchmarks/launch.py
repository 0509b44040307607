"""Run a command; print its seconds, the peak memory of its largest process in MB, its exit code.

    python -S -E launch.py COMMAND [ARGUMENT ...]

Imports little: a child's peak, as the kernel counts it, is at least that of its parent.
"""

import os
import subprocess
import sys
import time


def main() -> None:
    """Run the command of the command line."""
    start = time.perf_counter()
    process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
    if hasattr(os, "wait4"):
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        peak = usage.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    else:
        process.wait()
        seconds, peak = time.perf_counter() - start, float("nan")
    print(seconds, peak, process.returncode)


if __name__ == "__main__":
    main()
