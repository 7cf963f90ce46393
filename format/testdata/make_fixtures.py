"""Makes the files in this folder with NumPy, safetensors and PyTorch, so that
the Go tests read what those libraries really write.

    python make_fixtures.py        (NumPy 2, safetensors, torch 2)

Element i of every array, counted in C order, has the value i; of a bool array, i % 2.
"""

import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

here = pathlib.Path(__file__).parent
npy = here / "npy"
npy.mkdir(exist_ok=True)

shape = (2, 3)
counting = np.arange(6).reshape(shape)
for name in ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]:
    np.save(npy / f"{name}.npy", counting.astype(name))
    np.save(npy / f"{name}-big-endian.npy", counting.astype(">" + name))
np.save(npy / "b1.npy", (counting % 2).astype(bool))
np.save(npy / "scalar.npy", np.float32(0))
np.save(npy / "empty.npy", np.zeros((2, 0, 3), "f4"))
np.save(npy / "vector.npy", np.arange(5, dtype="f8"))
fortran = np.asfortranarray(np.arange(24, dtype="f4").reshape(2, 3, 4))
np.save(npy / "fortran.npy", fortran)
np.save(npy / "fortran-big-endian.npy", fortran.astype(">f4", order="F"))
for version in [(2, 0), (3, 0)]:
    with open(npy / f"version{version[0]}.npy", "wb") as f:
        np.lib.format.write_array(f, counting.astype("f4"), version=version)
np.save(npy / "refused-complex.npy", counting.astype("c8"))
np.save(npy / "refused-string.npy", np.array(["a", "b"]))
np.save(npy / "refused-object.npy", np.array([{}], dtype=object), allow_pickle=True)
np.save(npy / "refused-record.npy", np.zeros(2, dtype=[("x", "f4"), ("y", "i2")]))
arrays = {"images": np.arange(24, dtype="u1").reshape(2, 3, 4), "labels": np.arange(2, dtype="i8")}
np.savez(npy / "stored.npz", **arrays)
np.savez_compressed(npy / "deflated.npz", **arrays)

safetensors = here / "safetensors"
safetensors.mkdir(exist_ok=True)
names = ["i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8"]
tensors = {f"layer.{name}": counting.astype(name) for name in names}
tensors["layer.bool"] = (counting % 2).astype(bool)
tensors["scalar"] = np.array(0, "f4")
tensors["empty"] = np.zeros((0, 7), "f4")
tensors['quote " backslash \\ <&> é'] = np.arange(3, dtype="f4")
save_file(tensors, safetensors / "numpy.safetensors", metadata={"format": "np"})
save_file({}, safetensors / "none.safetensors")
save_torch(
    {
        name: torch.arange(6).reshape(shape).to(dtype)
        for name, dtype in {
            "bfloat16": torch.bfloat16,
            "e4m3": torch.float8_e4m3fn,
            "e5m2": torch.float8_e5m2,
            "complex": torch.complex64,
        }.items()
    },
    safetensors / "torch.safetensors",
)
