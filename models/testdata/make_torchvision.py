#!/usr/bin/env python3
"""Writes torchvision.json: what torch and torchvision say of the networks of this package.

For each network its parameter count, the names and shapes of its state dict, and the first logits for a fixed input.
Weights and input are no part of the file: every element is a function of the tensor's name and the element's number,
which the Go test computes as well. Made with torch 2.15 and torchvision 0.29.

    python3 models/testdata/make_torchvision.py > models/testdata/torchvision.json
"""
import json
import math
import zlib

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import nn


def uniform(name, n):
    """n numbers in [-0.5, 0.5): a hash (murmur's finaliser) of the element's number and the name's CRC."""
    x = np.arange(n, dtype=np.uint32) * np.uint32(2654435761) + np.uint32(zlib.crc32(name.encode()))
    x ^= x >> np.uint32(16)
    x *= np.uint32(0x45D9F3B)
    x ^= x >> np.uint32(16)
    return x.astype(np.float64) / 2**32 - 0.5


def value(name, shape):
    u = uniform(name, math.prod(shape))
    if name.endswith("running_var"):
        u = 1 + 0.5 * u
    elif name.endswith("running_mean"):
        u = 0.2 * u
    elif len(shape) == 1:
        u = 0.1 * u if name.endswith("bias") else 1 + 0.2 * u
    else:
        u = u * math.sqrt(12) * math.sqrt(2 / math.prod(shape[1:]))
    return torch.from_numpy(u.astype(np.float32).reshape(shape))


class PaddedBlock(nn.Module):
    def __init__(self, c, k, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(c, k, 3, stride, 1, bias=False), nn.BatchNorm2d(k)
        self.conv2, self.bn2 = nn.Conv2d(k, k, 3, 1, 1, bias=False), nn.BatchNorm2d(k)
        self.stride, self.grow = stride, k - c

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.grow)))


class ResNetCIFAR(nn.Module):
    def __init__(self, blocks):
        super().__init__()
        self.conv1, self.bn1, c = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), 16
        for i, k in enumerate((16, 32, 64)):
            stage = []
            for j in range(blocks):
                stage.append(PaddedBlock(c, k, 2 if i > 0 and j == 0 else 1))
                c = k
            setattr(self, f"layer{i + 1}", nn.Sequential(*stage))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


def densenet_bc(depth, growth):
    layers = (depth - 4) // 6
    m = torchvision.models.DenseNet(growth, (layers,) * 3, 2 * growth, num_classes=10)
    features = nn.Sequential()
    for name, layer in m.features.named_children():
        if name == "conv0":
            layer = nn.Conv2d(3, 2 * growth, 3, padding=1, bias=False)
        if name not in ("norm0", "relu0", "pool0"):
            features.add_module(name, layer)
    m.features = features
    return m


tv = torchvision.models
NETWORKS = {
    "lenet": (LeNet, (1, 28, 28)),
    "alexnet": (tv.alexnet, (3, 224, 224)),
    "vgg16": (tv.vgg16, (3, 224, 224)),
    "googlenet": (lambda: tv.googlenet(aux_logits=False, init_weights=False), (3, 224, 224)),
    "resnet18": (tv.resnet18, (3, 224, 224)),
    "resnet34": (tv.resnet34, (3, 224, 224)),
    "resnet50": (tv.resnet50, (3, 224, 224)),
    "densenet121": (tv.densenet121, (3, 224, 224)),
    "resnet20": (lambda: ResNetCIFAR(3), (3, 32, 32)),
    "resnet56": (lambda: ResNetCIFAR(9), (3, 32, 32)),
    "densenet-bc-100-12": (lambda: densenet_bc(100, 12), (3, 32, 32)),
}

out = {}
for name, (make, shape) in NETWORKS.items():
    m = make().eval()
    state = m.state_dict()
    names = {k: list(v.shape) for k, v in state.items()}
    m.load_state_dict({k: v if k.endswith("num_batches_tracked") else value(k, v.shape) for k, v in state.items()})
    with torch.no_grad():
        logits = m(4 * torch.from_numpy(uniform("input", math.prod(shape)).astype(np.float32)).reshape(1, *shape))
    out[name] = {
        "parameters": sum(p.numel() for p in m.parameters()),
        "input": list(shape),
        "logits": [float(f"{v:.7g}") for v in logits[0, :10].tolist()],
        "scale": float(f"{logits.abs().max().item():.4g}"),
        "state": names,
    }
print("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in out.items()) + "\n}")
