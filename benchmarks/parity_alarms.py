"""Right ports that the parity engine must not raise an alarm on, drawn at random.

    python -m benchmarks.parity_alarms --pairs 184

Twins of zero to five dense layers, with and without batch norm and dropout, in training and in
evaluation, with parameters and inputs of scales from 1e-3 to 1e3 and means of up to a thousand
standard deviations. Printed are the alarms, and ρ/2⁻²⁹ of the worst quantity of each pair.
"""

import argparse

import jax
import numpy as np
import torch

from tests.parity.right_pairs import normal, twins
from torch_port import parity


def drawn_pair(number):
    """The report on one pair, all of whose settings are drawn."""
    rng = np.random.default_rng(number)
    torch.manual_seed(number)
    depth, has_norm, train = int(rng.integers(6)), bool(rng.integers(2)), bool(rng.integers(2))
    rate, scale = float(rng.choice([0.0, 0.3])), 10.0 ** rng.uniform(-3, 3)
    ours, theirs, _, settings = twins(depth, has_norm, rate, train, scale)
    mean = scale * rng.choice([0, 0, 10, 1000])
    x = np.float32(scale) * normal(int(rng.integers(2, 40)), 5, seed=number) + np.float32(mean)
    return parity.compare(ours, theirs, x, seed=number, **settings)


def main():
    jax.config.update("jax_enable_x64", True)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=184)
    reports = [drawn_pair(number) for number in range(parser.parse_args().pairs)]
    worst = [max(d.judgement.ratio for d in report.differences) for report in reports]
    alarms = [number for number, r in enumerate(reports) if r.verdict == "semantic"]
    print(f"{len(reports)} right pairs, {len(alarms)} alarms {alarms}")
    print(f"ratio: median {np.median(worst):.2g}, largest {np.max(worst):.2g}")


if __name__ == "__main__":
    main()
