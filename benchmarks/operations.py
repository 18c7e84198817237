"""Where the time of an epoch goes: the operations of `train.make_epoch`, as XLA's trace times them.

The microseconds of a step are those that its operations take. Two of them can run at once, on two
cores, so that their sum is more than the step takes.
"""

import statistics

from benchmarks.frame import Contender, Settings, Table, Target, in_turn

SHOWN = 12
"""How many places have a row of their own."""


def measure(settings: Settings):
    """Microseconds of a step by place in the library, in every round."""
    options = {"examples": 3 * 64 + 32 if settings.quick else 200 * 64}
    contender = {"jaxnn": Contender("benchmarks.contenders.trace:operations", options)}
    rounds = [in_turn(contender, 1)["jaxnn"]["value"] for _ in range(settings.rounds)]
    places = dict.fromkeys(place for found in rounds for place in found)
    return {place: [found.get(place, 0.0) for found in rounds] for place in places}


def tables(measured) -> list[Table]:
    """The places that take longest, and the rest together."""
    middle = {place: statistics.median(figures) for place, figures in measured.items()}
    order = sorted(middle, key=lambda place: -middle[place])
    shown = [(place, middle[place]) for place in order[:SHOWN]]
    shown.append(("all others", sum(middle[place] for place in order[SHOWN:])))
    everything = sum(middle.values())
    rows = [[place, f"{us:.1f} µs", f"{100 * us / everything:.0f} %"] for place, us in shown]
    rows.append(["together", f"{everything:.0f} µs", "100 %"])
    return [Table("The operations of a step of 64 images", ["", "median", "share"], rows)]


def targets(measured) -> list[Target]:
    """Nothing is asked of them."""
    return []


def figures(measured):
    """The table says it all."""
    return {}
