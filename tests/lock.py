"""Write requirements-lock.txt: the exact versions of all packages, with the hashes of their files.

    pip install uv && python -m tests.lock

torch is left out, and so are the CUDA packages that come with it: which build is right depends on the machine.
"""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "requirements-lock.txt"
SOURCES = ("requirements.txt", "tests/requirements.txt")
PYTHON = "3.11"  # the oldest that is supported; its versions install on newer ones
OF_TORCH = re.compile(r"(torch|triton|nvidia-[\w-]+|cuda-[\w-]+)==")

HEAD = f"""# The exact versions that the tests last passed with, and the hashes of their files (`python -m tests.lock`).
# Install torch first, for your machine:
#   pip install {{torch}}
#   pip install --no-deps --require-hashes -r {LOCK.name}
"""


def main() -> None:
    """Resolve the requirements anew and write the lock."""
    options = ["--quiet", "--generate-hashes", "--no-header", "--no-annotate", "--python-version", PYTHON]
    found = subprocess.run(["uv", "pip", "compile", *options, *SOURCES], cwd=ROOT, capture_output=True, text=True)
    if found.returncode:
        raise SystemExit(found.stderr)
    LOCK.write_text(locked(found.stdout), "utf-8")


def locked(compiled: str) -> str:
    """Return the text of the lock for what uv compiled."""
    entries = re.findall(r"^\S.*(?:\n .*)*", compiled, re.MULTILINE)
    torch = next(entry.split()[0] for entry in entries if entry.startswith("torch=="))
    kept = [entry for entry in entries if not OF_TORCH.match(entry)]
    return HEAD.format(torch=torch) + "\n".join(kept) + "\n"


if __name__ == "__main__":
    main()
