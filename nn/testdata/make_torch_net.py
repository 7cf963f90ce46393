"""Writes torch_net.safetensors: the state_dict of a small trained-looking
network, with an input and what PyTorch makes of it.

    python3 nn/testdata/make_torch_net.py
"""
import pathlib

import torch
from safetensors.torch import save_file
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(2, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Conv2d(4, 4, 3, stride=2), nn.ReLU()) for _ in range(2))
        self.fc = nn.Linear(4, 3)

    def forward(self, x):
        x = torch.relu(self.bn1(self.conv1(x)))
        for block in self.blocks:
            x = block(x)
        return self.fc(x.flatten(1))


torch.manual_seed(5)
net = Net()
net.train()
for _ in range(3):  # moves the running statistics
    net(torch.randn(8, 2, 7, 7) * 2 + 1)
net.eval()
x = torch.randn(3, 2, 7, 7)
with torch.no_grad():
    y = net(x)
state = {name: t.contiguous() for name, t in net.state_dict().items()}
save_file(state | {"test.input": x, "test.output": y}, pathlib.Path(__file__).with_name("torch_net.safetensors"),
          metadata={"torch": torch.__version__})
