#!/usr/bin/env python3
"""Writes gymnasium.json.gz: episodes of gymnasium's CartPole-v1, to hold the environment of this package against.

    python3 make_gymnasium.py

Each episode has its starting state, the actions, the states after them (float64, as the environment keeps them), the
rewards, and for each step whether it terminated and whether it truncated the episode. The actions are: at random, always
the same, and a simple controller that keeps the pole up until the time limit. The same gymnasium writes the same bytes.
"""
import gzip
import json
import pathlib

import gymnasium
import numpy as np


def episode(name, seed, policy):
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=seed)
    random = np.random.RandomState(seed)
    start = env.unwrapped.state.tolist()
    record = {"name": name, "start": start, "actions": [], "states": [], "rewards": [], "terminated": [], "truncated": []}
    state = start
    while True:
        action = int(policy(state, random))
        _, reward, terminated, truncated, _ = env.step(action)
        state = env.unwrapped.state.tolist()
        for key, value in [("actions", action), ("states", state), ("rewards", reward), ("terminated", terminated), ("truncated", truncated)]:
            record[key].append(value)
        if terminated or truncated:
            return record


def controller(state, _):
    """Linear feedback; the small pull to the middle keeps the cart on the rail."""
    position, velocity, angle, spin = state
    return angle + 0.3 * spin + 0.05 * velocity + 0.02 * position > 0


episodes = [episode(f"random {seed}", seed, lambda _, random: random.randint(2)) for seed in range(4)]
episodes += [episode(f"always {action}", 10 + action, lambda *_, action=action: action) for action in range(2)]
episodes += [episode(f"off the rail {seed}", seed, lambda s, _: s[2] + 0.25 * s[3] - 0.05 > 0) for seed in (20, 21)]
episodes += [episode(f"controller {seed}", seed, controller) for seed in (30, 31)]
for e in episodes:
    print(e["name"], len(e["actions"]), "terminated" if e["terminated"][-1] else "", "truncated" if e["truncated"][-1] else "")

path = pathlib.Path(__file__).parent / "gymnasium.json.gz"
text = json.dumps({"gymnasium": gymnasium.__version__, "numpy": np.__version__, "episodes": episodes}).encode()
path.write_bytes(gzip.compress(text, 9, mtime=0))
print(path.stat().st_size, "bytes")
