"""Compares two runs of pkcs11-check test by test: same_verdicts.py NAME FOLDER FOLDER."""

import collections
import json
import sys


def verdicts(folder):
    found = {}
    with open(f"{folder}/report.jsonl", encoding="utf-8") as lines:
        for line in lines:
            report = json.loads(line)
            if report.get("$report_type") != "TestReport":
                continue
            # Setup, call and teardown each report; the worst of them is the verdict, with the reason of a skip.
            reason = str(report.get("longrepr")) if report["outcome"] == "skipped" else ""
            test = report["nodeid"].rpartition("testcases/")[2]  # what comes before depends on the folder
            found.setdefault(test, []).append((report["when"], report["outcome"], reason))
    return found


def outcome(reports):
    outcomes = [outcome for _, outcome, _ in reports]
    return "failed" if "failed" in outcomes else "skipped" if "skipped" in outcomes else "passed"


name, without, through = sys.argv[1:]
without, through = verdicts(without), verdicts(through)
different = [test for test in sorted(without.keys() | through.keys()) if without.get(test) != through.get(test)]
for test in different[:20]:
    print(f"{test}\n  without: {without.get(test)}\n  through: {through.get(test)}")
counts = collections.Counter(outcome(reports) for reports in without.values())
print(f"pkcs11-check {name}: {len(without)} tests {dict(counts)}, {len(different)} with another verdict through the shim")
sys.exit(bool(different) or not counts["passed"])
