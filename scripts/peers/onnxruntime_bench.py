#!/usr/bin/env python3
"""Times the infer-* workloads in ONNX Runtime, on the same networks, exported from PyTorch.

    scripts/peers/onnxruntime_bench.py --peer path/to/pytorch_bench.py --threads 2

Prints the JSON lines of the peer's script. Needs torch, onnx, onnxscript and onnxruntime.
"""
import argparse
import importlib.util
import json
import pathlib
import re
import resource
import statistics
import sys
import tempfile
import time

import onnxruntime
import torch


def load(path):
    """Imports the peer's script without running it."""
    spec = importlib.util.spec_from_file_location("pytorch_bench", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--peer", required=True, help="the peer's benchmark script")
    p.add_argument("--threads", type=int, default=torch.get_num_threads())
    p.add_argument("--only", default="", help="regular expression over workload names")
    p.add_argument("--seconds", type=float, default=3, help="time spent on each workload")
    args = p.parse_args()
    bench = load(args.peer)
    caught = {}
    bench.inference = lambda ctx, m, x: caught.update(model=m.eval(), x=x)  # what a workload would run
    for name, build in bench.WORKLOADS.items():
        if not name.startswith("infer-") or not re.search(args.only, name):
            continue
        torch.manual_seed(0)
        build(args)
        x = caught["x"]
        with tempfile.TemporaryDirectory() as folder:
            path = str(pathlib.Path(folder) / "model.onnx")
            with torch.no_grad():
                torch.onnx.export(caught["model"], (x,), path, dynamo=False, verbose=False)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = args.threads, 1
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        feed = {session.get_inputs()[0].name: x.numpy()}
        times = bench.measure(lambda: session.run(None, feed), args.seconds)
        print(json.dumps({
            "peer": "onnxruntime", "version": onnxruntime.__version__, "workload": name, "threads": args.threads, "mode": "eager",
            "median_ms": round(statistics.median(times), 4), "min_ms": round(min(times), 4), "runs": len(times),
            "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        }), flush=True)


if __name__ == "__main__":
    sys.exit(main())
