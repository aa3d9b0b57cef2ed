"""Look up known vulnerabilities of the locked packages: `pip install pip-audit && python -m tests.audit`.

It says which packages it could not look up, for example without a network. Exit status 0: all were looked up, and none
has a known vulnerability; 1: some have one; 3: not all could be looked up.
"""

import json
import subprocess
import sys
from typing import Any

from .lock import LOCK

FOUND, UNKNOWN = 1, 3


def main() -> int:
    """Ask the advisory database of PyPI, and print what it says."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--requirement", str(LOCK)]
    ran = subprocess.run([*command, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True)
    if not ran.stdout.strip():
        raise SystemExit(ran.stderr)
    lines, status = judged(json.loads(ran.stdout)["dependencies"])
    print("\n".join(lines))
    return status


def judged(packages: list[dict[str, Any]]) -> tuple[list[str], int]:
    """Return what to print about the packages, and the exit status."""
    skipped = [each["name"] for each in packages if "skip_reason" in each]
    lines = [
        f"{each['name']} {each['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'no version'}"
        for each in packages
        for found in each.get("vulns", [])
    ]
    count = len(packages) - len(skipped)
    summary = [f"{count} of {len(packages)} packages were looked up; {len(lines)} known vulnerabilities."]
    if skipped:
        summary.append(f"Not looked up: {', '.join(skipped)}.")
    return lines + summary, FOUND if lines else UNKNOWN if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
