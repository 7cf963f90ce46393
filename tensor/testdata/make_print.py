"""Writes print.json: arrays and what NumPy's str makes of them.

    python3 tensor/testdata/make_print.py
"""
import json
import pathlib

import numpy as np

rng = np.random.default_rng(7)
cases = {}


def add(name, array):
    cases[name] = np.asarray(array)


for dtype in (np.float64, np.float32, np.float16):
    n = np.dtype(dtype).name
    with np.errstate(over="ignore"):
        add(f"{n} vector", np.array([1, 2.5, -3.25], dtype))
        add(f"{n} whole", np.array([1, 2, 100], dtype))
        add(f"{n} thirds", (np.arange(7) / 3).astype(dtype))
        add(f"{n} normal", rng.normal(size=(3, 4)).astype(dtype))
        add(f"{n} three axes", rng.normal(size=(2, 3, 2)).astype(dtype))
        add(f"{n} wide ratio", np.array([1e-3, 1, 1001], dtype))
        add(f"{n} ratio 1000", np.array([1, 1000], dtype))
        add(f"{n} small", np.array([1e-5, 1.5], dtype))
        add(f"{n} a tenth of a thousandth", np.array([1e-4, 0], dtype))
        add(f"{n} large", np.array([123456, 1e5], dtype))
        add(f"{n} millions", np.array([1234567, 1e6, 2e7], dtype))
        add(f"{n} powers", np.array([1, 10, 100, 999], dtype))
        add(f"{n} special", np.array([np.nan, np.inf, -np.inf, 1.5, -0.0], dtype))
        add(f"{n} nothing finite", np.array([np.nan, np.inf], dtype))
        add(f"{n} negative infinity", np.array([-np.inf, 1], dtype))
        add(f"{n} zeros", np.zeros((2, 2), dtype))
        add(f"{n} negative zero", np.array([-0.0, 0.0], dtype))
        add(f"{n} empty", np.zeros((2, 0, 3), dtype))
        add(f"{n} long line", rng.normal(size=30).astype(dtype))
        add(f"{n} summary", np.arange(1001).astype(dtype))
        add(f"{n} matrix summary", (rng.integers(-99, 99, size=(40, 30)) / 8).astype(dtype))
        add(f"{n} thin summary", (rng.integers(0, 9, size=(2, 2, 300))).astype(dtype))
        add(f"{n} one scientific", np.array([1e-30 if dtype != np.float16 else 1e-6], dtype))
        add(f"{n} nan with exponents", np.array([1e-5, np.nan, -2e3], dtype))
        for i, v in enumerate([0, 1, -0.5, 0.1, 1 / 3, 1e-5, 1e-4, 123456, 1234567, 1e7, 1e15, 1e16, 1e17, np.nan, np.inf, -np.inf]):
            add(f"{n} scalar {i}", np.array(v).astype(dtype))
add("float64 three-digit exponents", np.array([1e-300, 1.0, 2.5e200]))
add("float64 hundred millions", np.array([1e8, 1.5]))
add("float64 tens of millions", np.array([12345678.25, 98765432.5]))
add("float64 digits beyond eight", np.array([1.123456785, 0.999999999]))
for dtype in (np.int64, np.int32, np.uint8):
    n = np.dtype(dtype).name
    add(f"{n} matrix", np.array([[1, 20], [100, 3]], dtype))
    add(f"{n} summary", (np.arange(2000) % 256).astype(dtype))
    add(f"{n} lines", (np.arange(100) % 256).astype(dtype))
    add(f"{n} scalar", np.array(7, dtype))
    add(f"{n} four axes", np.arange(16).reshape(2, 2, 2, 2).astype(dtype))
add("int64 negative", np.array([-5, 10, -100], np.int64))
add("int64 wide", np.array([-(2**63), 2**53 + 1], np.int64))
add("bool matrix", np.array([[True, False], [True, True]]))
add("bool true only", np.array([True, True]))
add("bool scalar", np.array(True))
add("bool summary", np.arange(1200) % 3 == 0)


def number(v, dtype):
    if dtype.kind == "b":
        return int(v)
    if dtype.kind in "iu":
        return str(v)  # a float64 does not hold every int64
    return float(v) if np.isfinite(v) else str(float(v))


out = [
    {
        "name": name,
        "dtype": a.dtype.name,
        "shape": list(a.shape),
        "data": [number(v, a.dtype) for v in a.ravel()],
        "text": str(a),
    }
    for name, a in cases.items()
]
path = pathlib.Path(__file__).parent / "print.json"
path.write_text(json.dumps({"numpy": np.__version__, "cases": out}, separators=(",", ":")) + "\n")
