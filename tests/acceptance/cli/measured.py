"""Runs a command and writes to a file how much memory it held: `python measured.py FILE COMMAND …`.

A process of its own, and a small one: what a child is charged with begins with the memory of whoever started it, and a
test runner holds more than any command here.
"""

import resource
import subprocess
import sys
from pathlib import Path

if __name__ == "__main__":
    file, *command = sys.argv[1:]
    status = subprocess.run(command, check=False).returncode
    Path(file).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), "utf-8")
    sys.exit(status)
