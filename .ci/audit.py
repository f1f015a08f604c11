"""Look for known vulnerabilities in an environment: ``python .ci/audit.py SITE_PACKAGES``.

pip-audit asks PyPI about each package. Where PyPI does not answer, it leaves a package out and says
that nothing was found: here that is a failure.
"""

from __future__ import annotations

import json
import subprocess
import sys


def main(place: str) -> int:
    """1 if a vulnerability is known, 2 if packages could not be looked up, else 0."""
    words = [sys.executable, "-m", "pip_audit", "--path", place, "--format", "json"]
    done = subprocess.run(
        [*words, "--progress-spinner", "off"], capture_output=True, text=True, check=False
    )
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(done.stderr.strip()[-2000:] or "pip-audit said nothing", file=sys.stderr)
        return 2
    # Ours, and builds that PyPI has under another version, such as torch's for CPUs.
    known = [row for row in rows if "skip_reason" not in row]
    left_out = sorted(row["name"] for row in rows if "skip_reason" in row)
    for row in known:
        for one in row["vulns"]:
            fixed = ", ".join(one["fix_versions"]) or "no version"
            print(f"{row['name']} {row['version']}: {one['id']}, fixed in {fixed}")
    print(f"{len(known)} packages were looked up; left out: {', '.join(left_out) or 'none'}")
    if any(row["vulns"] for row in known):
        return 1
    if len(known) < len(left_out):
        print("most packages could not be looked up: is the network up?", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
