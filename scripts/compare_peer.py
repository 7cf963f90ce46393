#!/usr/bin/env python3
"""Runs hadal and PyTorch in turn on the same workloads, A B A B, and prints how many times faster hadal is.

    scripts/compare_peer.py --peer path/to/pytorch_bench.py --only 'gemm-1024|train-lenet5'
    PEER_SCRIPT=... PEER_PYTHON=venv/bin/python scripts/compare_peer.py --threads 1 2 --rounds 3

Both programs print one JSON object a line: peer, version, workload, threads, mode, median_ms, min_ms, runs,
peak_rss_mb. A figure of the table is the least median over the rounds: on a machine that others use as well it is the
one that was disturbed least. The column "spread" is the largest median of a program over its least, minus one; where it
exceeds the advantage, the ratio says nothing. Needs Python 3.9 and nothing outside its standard library.
"""
import argparse
import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--peer", default=os.environ.get("PEER_SCRIPT"), help="the peer's benchmark script [$PEER_SCRIPT]")
    p.add_argument("--python", default=os.environ.get("PEER_PYTHON", "python3"), help="the Python that has the peer [$PEER_PYTHON, python3]")
    p.add_argument("--hadal", default=os.environ.get("HADAL"), help="the hadal command [$HADAL; built from this repository where not given]")
    p.add_argument("--only", default="", help="regular expression over workload names")
    p.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    p.add_argument("--mode", default="eager", help="mode of the peer: eager, compile or bf16")
    p.add_argument("--rounds", type=int, default=2, help="how often each program runs; they take turns")
    p.add_argument("--seconds", type=float, default=3, help="time spent on each workload in each round")
    p.add_argument("--save", type=pathlib.Path, help="append every JSON line to this file")
    p.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    args = p.parse_args()
    if not args.peer or not pathlib.Path(args.peer).is_file():
        p.error("name the peer's script with --peer or PEER_SCRIPT" if not args.peer else f"there is no file {args.peer}")
    return args


def build(folder):
    """Builds the command once, so that no compiler runs beside a measurement."""
    target = pathlib.Path(folder) / ("hadal.exe" if os.name == "nt" else "hadal")
    done = subprocess.run(["go", "build", "-o", str(target), "./cmd/hadal"], cwd=ROOT, env=os.environ | {"CGO_ENABLED": "0"})
    if done.returncode != 0:
        sys.exit("hadal does not build; name a command with --hadal")
    return [str(target)]


def measure(command, environment):
    """Runs one program and returns its JSON lines; what it says besides goes to standard error."""
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode != 0:
        sys.exit(f"{shlex.join(command)} ended with exit code {done.returncode}")
    records = []
    for line in done.stdout.splitlines():
        if line.startswith("{"):
            records.append(json.loads(line))
        else:
            print(line, file=sys.stderr)
    return records


def collect(args, hadal):
    """Returns {(workload, threads): {program: [record, ...]}}, where program is "hadal" or "peer"."""
    # An OpenBLAS build that is told the wrong core runs at half its speed, which would flatter us.
    environment = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}
    results = {}
    for turn in range(args.rounds):
        for threads in args.threads:
            shared = ["--threads", str(threads), "--only", args.only, "--seconds", str(args.seconds)]
            programs = {"hadal": hadal + ["bench", "--json"] + shared, "peer": [args.python, args.peer, "--mode", args.mode] + shared}
            for program, command in programs.items():
                print(f"round {turn + 1} of {args.rounds}, {threads} thread{'s' if threads > 1 else ''}: {program}", file=sys.stderr)
                for record in measure(command, environment):
                    results.setdefault((record["workload"], record["threads"]), {}).setdefault(program, []).append(record)
                    if args.save:
                        with args.save.open("a") as f:
                            f.write(json.dumps(record) + "\n")
    return results


def least(records, key="median_ms"):
    return min(r[key] for r in records)


def spread(records):
    medians = [r["median_ms"] for r in records]
    return max(medians) / min(medians) - 1


def table(results):
    """Returns one row for each workload that both programs measured, and a line for each that one left out."""
    rows, alone = [], []
    for (workload, threads), by_program in sorted(results.items()):
        if len(by_program) < 2:
            alone.append(f"{workload} with {threads} thread{'s' if threads > 1 else ''}: {next(iter(by_program))} only")
            continue
        ours, theirs = by_program["hadal"], by_program["peer"]
        rows.append([workload, str(threads), f"{least(ours):.4g}", f"{least(theirs):.4g}", f"{least(theirs) / least(ours):.2f}",
                     f"{100 * max(spread(ours), spread(theirs)):.0f}%", str(least(ours, "peak_rss_mb")), str(least(theirs, "peak_rss_mb"))])
    return rows, alone


def print_table(header, rows, markdown):
    widths = [max(len(r[i]) for r in [header] + rows) for i in range(len(header))]
    left, gap, right = ("| ", " | ", " |") if markdown else ("", "  ", "")
    lines = [left + gap.join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) + right for r in [header] + rows]
    if markdown:
        lines.insert(1, "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|")
    print("\n".join(lines))


def main():
    args = arguments()
    with tempfile.TemporaryDirectory() as folder:
        results = collect(args, shlex.split(args.hadal) if args.hadal else build(folder))
    rows, alone = table(results)
    versions = sorted({f"{r['peer']} {r['version']} ({r['mode']})" for by in results.values() for records in by.values() for r in records})
    print("; ".join(versions) + f"; least of {args.rounds} medians in milliseconds; above 1.00 hadal is faster")
    print_table(["workload", "threads", "hadal", "peer", "ratio", "spread", "hadal MB", "peer MB"], rows, args.markdown)
    for line in alone:
        print(line)
    if not rows:
        sys.exit("no workload was measured by both programs")


if __name__ == "__main__":
    main()
