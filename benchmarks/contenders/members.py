"""The trainings of a sweep, the same for all contenders; no framework is loaded."""

BATCH_SIZE = 64
RATES = (3e-4, 1e-3, 3e-3, 1e-2)


def members(runs):
    """The learning rate and the seed of each run: rates times seeds."""
    return [(RATES[run % len(RATES)], run // len(RATES)) for run in range(runs)]
