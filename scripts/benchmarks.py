#!/usr/bin/env python3
"""Runs hadal and other libraries in turn on the same workloads, A B A B, and writes a table with what it found.

    scripts/benchmarks.py --peer path/to/pytorch_bench.py --python venv/bin/python --markdown docs/benchmarks.md
    scripts/benchmarks.py --peer ... --only 'gemm-1024|train-lenet5' --threads 2 --seconds 1

Every program runs each workload in a process of its own, so that peak memory is that of the workload. A figure is the
least median over the rounds: on a machine that others use as well it is the one that was disturbed least. "spread" is
the largest median of hadal or PyTorch over its least, minus one; where it exceeds the advantage, the ratio says nothing.

The peers are PyTorch eager, always; its torch.compile for train-* workloads and its bf16 autocast beside hadal's bf16
with --modes; ONNX Runtime for infer-*; and the Go libraries gonum and GoMLX for products and convolutions, when
--go-peers names the built command of scripts/peers/gopeers. Needs Python 3.9 and nothing outside its standard library;
--python is the interpreter that has torch (and onnx and onnxruntime).
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
ORT = ROOT / "scripts" / "peers" / "onnxruntime_bench.py"


def arguments():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--peer", default=os.environ.get("PEER_SCRIPT"), help="PyTorch's benchmark script [$PEER_SCRIPT]")
    p.add_argument("--python", default=os.environ.get("PEER_PYTHON", "python3"), help="the Python that has torch [$PEER_PYTHON, python3]")
    p.add_argument("--hadal", help="the hadal command; built from this repository where not given")
    p.add_argument("--go-peers", help="the built command of scripts/peers/gopeers")
    p.add_argument("--only", default="", help="regular expression over workload names")
    p.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    p.add_argument("--modes", nargs="*", default=[], choices=("compile", "bf16"), help="further modes to measure")
    p.add_argument("--rounds", type=int, default=2, help="how often each program runs; they take turns")
    p.add_argument("--seconds", type=float, default=1, help="time spent on each workload in each round")
    p.add_argument("--save", type=pathlib.Path, help="append every JSON line to this file")
    p.add_argument("--load", type=pathlib.Path, help="make the table from such a file; measure nothing")
    p.add_argument("--markdown", type=pathlib.Path, help="write the page there instead of printing it")
    args = p.parse_args()
    if not args.load and not (args.peer and pathlib.Path(args.peer).is_file()):
        p.error("name PyTorch's script with --peer or PEER_SCRIPT" if not args.peer else f"there is no file {args.peer}")
    return args


def build(folder):
    """Builds the command once, so that no compiler runs beside a measurement."""
    target = pathlib.Path(folder) / ("hadal.exe" if os.name == "nt" else "hadal")
    if subprocess.run(["go", "build", "-o", str(target), "./cmd/hadal"], cwd=ROOT, env=os.environ | {"CGO_ENABLED": "0"}).returncode != 0:
        sys.exit("hadal does not build; name a command with --hadal")
    return str(target)


# An OpenBLAS build that is told the wrong core runs at half its speed, which would flatter us.
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")}


def output(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
    if done.returncode != 0:
        print(f"{' '.join(command)} ended with exit code {done.returncode}: {done.stderr.strip()[-300:]}", file=sys.stderr)
        return ""
    return done.stdout


def programs(args, hadal, workload):
    """Returns the commands that measure one workload, without threads and time."""
    only = ["--only", f"^{re.escape(workload)}$"]
    torch = [args.python, args.peer]
    yield [hadal, "bench", "--json", *only]
    yield [*torch, *only]
    if "bf16" in args.modes and workload.startswith(("train-", "gemm-")):
        yield [hadal, "bench", "--json", "--mode", "bf16", *only]
        yield [*torch, "--mode", "bf16", *only]
    if "compile" in args.modes and workload.startswith("train-"):
        yield [*torch, "--mode", "compile", *only]
    if workload.startswith("infer-"):
        yield [args.python, str(ORT), "--peer", args.peer, *only]
    if args.go_peers and workload.startswith(("gemm-", "conv-")):
        yield [args.go_peers, *only]


def collect(args):
    """Runs everything and returns the records."""
    records = []
    with tempfile.TemporaryDirectory() as folder:
        hadal = args.hadal or build(folder)
        names = [n for n in output([args.python, args.peer, "--list"]).split() if re.search(args.only, n)]
        for at, workload in enumerate(names):
            print(f"{at + 1} of {len(names)}: {workload}", file=sys.stderr, flush=True)
            for _ in range(args.rounds):
                for threads in args.threads:
                    for command in programs(args, hadal, workload):
                        for line in output([*command, "--threads", str(threads), "--seconds", str(args.seconds)]).splitlines():
                            if not line.startswith("{"):
                                continue
                            records.append(json.loads(line))
                            if args.save:
                                with args.save.open("a") as f:
                                    f.write(line + "\n")
    return records


def best(records, peer, mode, workload):
    """Returns the fastest record of a program on a workload, over rounds and threads; None if there is none."""
    own = [r for r in records if (r["peer"], r["mode"], r["workload"]) == (peer, mode, workload)]
    return min(own, key=lambda r: r["median_ms"]) if own else None


def spread(records, peer, workload, threads):
    own = [r["median_ms"] for r in records if (r["peer"], r["mode"], r["workload"], r["threads"]) == (peer, "eager", workload, threads)]
    return max(own) / min(own) - 1


def page(records):
    order = list(dict.fromkeys(r["workload"] for r in records))
    threads = sorted({r["threads"] for r in records})
    others = [("pytorch", "compile", "compile"), ("onnxruntime", "eager", "ONNX Runtime"), ("gonum", "eager", "gonum"), ("gomlx", "eager", "GoMLX")]
    others = [o for o in others if any((r["peer"], r["mode"]) == o[:2] for r in records)]
    header = ["workload", "hadal ms", "PyTorch ms", "ratio", *[f"ratio, {t} thread{'s' * (t > 1)}" for t in threads],
              "spread", "hadal MB", "PyTorch MB", *[f"{o[2]} ms / hadal's" for o in others], "share of peak"]
    rows = []
    for w in order:
        ours, theirs = best(records, "hadal", "eager", w), best(records, "pytorch", "eager", w)
        if not ours or not theirs:
            continue
        row = [w, f"{ours['median_ms']:.4g} ({ours['threads']})", f"{theirs['median_ms']:.4g} ({theirs['threads']})",
               f"{theirs['median_ms'] / ours['median_ms']:.2f}"]
        spreads = []
        for t in threads:
            a = best([r for r in records if r["threads"] == t], "hadal", "eager", w)
            b = best([r for r in records if r["threads"] == t], "pytorch", "eager", w)
            row.append(f"{b['median_ms'] / a['median_ms']:.2f}" if a and b else "")
            spreads += [spread(records, p, w, t) for p in ("hadal", "pytorch") if a and b]
        row.append(f"{100 * max(spreads):.0f}%")
        row += [str(ours["peak_rss_mb"]), str(theirs["peak_rss_mb"])]
        for peer, mode, _ in others:
            r = best(records, peer, mode, w)
            row.append(f"{r['median_ms'] / ours['median_ms']:.2f}" if r else "")
        one = best([r for r in records if r["threads"] == 1], "hadal", "eager", w)
        row.append(f"{100 * one['share_of_peak']:.0f}%" if one and one.get("share_of_peak") else "")
        rows.append(row)
    lines = table(header, rows)
    half = [w for w in order if best(records, "hadal", "bf16", w)]
    if half:
        lines += ["", "## bf16", "", "hadal's bf16 beside its own f32 and PyTorch's bf16 autocast; best thread count of each.", ""]
        body = []
        for w in half:
            ours, own, theirs = best(records, "hadal", "bf16", w), best(records, "hadal", "eager", w), best(records, "pytorch", "bf16", w)
            body.append([w, f"{ours['median_ms']:.4g} ({ours['threads']})", f"{own['median_ms'] / ours['median_ms']:.2f}",
                         f"{theirs['median_ms'] / ours['median_ms']:.2f}" if theirs else "", f"{100 * ours['share_of_peak']:.0f}%" if ours.get("share_of_peak") else ""])
        lines += table(["workload", "hadal bf16 ms", "hadal f32 / bf16", "PyTorch bf16 / hadal bf16", "share of peak"], body)
    return "\n".join(lines)


def table(header, rows):
    widths = [max(len(r[i]) for r in [header] + rows) for i in range(len(header))]
    line = lambda r: "| " + " | ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(r, widths))) + " |"
    return [line(header), "|" + "|".join("-" * (w + 2) if i == 0 else "-" * (w + 1) + ":" for i, w in enumerate(widths)) + "|", *map(line, rows)]


def machine():
    """Names the processor and its memory, as Linux tells."""
    try:
        cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text()).group(1)
        memory = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1)) / 1024**2
    except (OSError, AttributeError):
        return "an unnamed machine"
    return f"{cpu}, {os.cpu_count()} cores, {memory:.0f} GiB"


HEAD = """# Benchmarks

Made by one run of `scripts/benchmarks.py`, on {date}: {machine}; {versions}; hadal's kernels: {isa}. Each program ran each workload in a process of its own, in turn, {rounds} rounds; a figure is the least median, in milliseconds, with the best thread count of each side in brackets. A ratio is the other's time over hadal's: above 1 hadal is faster. Memory is the peak of the process. A training workload is one whole step: forward, loss, backward, update.

"""


def main():
    args = arguments()
    if args.load:
        records = [json.loads(line) for line in args.load.read_text().splitlines()]
    else:
        records = collect(args)
    if not records:
        sys.exit("nothing was measured")
    text = page(records)
    head = HEAD.format(
        date=datetime.date.today().strftime("%d %B %Y"), machine=machine(), rounds=args.rounds,
        versions=", ".join(sorted({f"{r['peer']} {r['version']}" for r in records})), isa=", ".join(sorted({r["isa"] for r in records if "isa" in r})))
    if args.markdown:
        notes = args.markdown.read_text().partition("\n## Notes\n")[1:] if args.markdown.exists() else ()
        args.markdown.write_text(head + text + "\n" + ("\n" + "".join(notes).lstrip() if notes and notes[0] else ""))
    else:
        print(head + text)


if __name__ == "__main__":
    main()
