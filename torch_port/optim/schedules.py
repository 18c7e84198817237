"""Learning rates that change with the step: functions of the number of steps taken, 0 at first.

Plain functions of a number: `LambdaLR(SGD(params, 1.0), schedule)` trains with the schedule's rate,
since `torch.optim.lr_scheduler.LambdaLR` multiplies the optimiser's rate by what it is given.
"""

import math
from collections.abc import Mapping, Sequence

from torch_port.checks import require_in
from torch_port.optim.leaves import require_number
from torch_port.optim.transforms import Schedule


def constant_schedule(value: float) -> Schedule:
    """The same value at every step.

    Args:
      value: the value.

    Example:
      >>> constant_schedule(0.1)(1000)
      0.1
    """
    require_number("constant_schedule: value", value)
    return lambda count: value


def linear_schedule(
    init_value: float, end_value: float, transition_steps: int, transition_begin: int = 0
) -> Schedule:
    """A straight line from one value to another: (1−p)·a + p·b, p = (t−t₀)/T within [0, 1].

    Args:
      init_value: a, the value until `transition_begin`.
      end_value: b, the value after the transition.
      transition_steps: T; with T ≤ 0 the value stays a.
      transition_begin: t₀; a negative one counts as 0.

    Example:
      >>> schedule = linear_schedule(1.0, 0.0, transition_steps=4)
      >>> [schedule(step) for step in (0, 1, 4, 100)]
      [1.0, 0.75, 0.0, 0.0]
    """
    for name, value in {"init_value": init_value, "end_value": end_value}.items():
        require_number(f"linear_schedule: {name}", value)
    if transition_steps <= 0:
        return constant_schedule(init_value)

    def schedule(count):
        p = min(max((count - max(transition_begin, 0)) / transition_steps, 0), 1)
        return (1 - p) * init_value + p * end_value

    return schedule


def exponential_decay(
    init_value: float,
    transition_steps: int,
    decay_rate: float,
    transition_begin: int = 0,
    staircase: bool = False,
    end_value: float | None = None,
) -> Schedule:
    """A geometric sequence: a·rᵖ, p = max(t−t₀, 0)/T, no further than `end_value`.

    Args:
      init_value: a, the value until `transition_begin`.
      transition_steps: T, the steps for one factor r; with T ≤ 0 the value stays a.
      decay_rate: r, at least 0; with r = 0 the value stays a.
      transition_begin: t₀; a negative one counts as 0.
      staircase: whether p is rounded down.
      end_value: the bound: the least value if r < 1, else the greatest.

    Example:
      >>> schedule = exponential_decay(1.0, 2, 0.25, end_value=0.1)
      >>> [schedule(step) for step in (0, 1, 2, 100)]
      [1.0, 0.5, 0.25, 0.1]
    """
    require_in("[0, inf)", decay_rate, "exponential_decay: decay_rate")
    require_number("exponential_decay: init_value", init_value)
    if end_value is not None:
        require_number("exponential_decay: end_value", end_value)
    if transition_steps <= 0 or decay_rate == 0:
        return constant_schedule(init_value)

    def schedule(count):
        p = max(count - max(transition_begin, 0), 0) / transition_steps
        value = init_value * decay_rate ** (math.floor(p) if staircase else p)
        if end_value is None:
            return value
        return max(value, end_value) if decay_rate < 1 else min(value, end_value)

    return schedule


def cosine_decay_schedule(
    init_value: float, decay_steps: int, alpha: float = 0.0, exponent: float = 1.0
) -> Schedule:
    """Half a wave of the cosine: a·((1−α)·c^k + α), c = ½(1 + cos(π·min(t, T)/T)).

    Args:
      init_value: a, the value at step 0.
      decay_steps: T, a positive number.
      alpha: α, the last value as a fraction of the first.
      exponent: k.

    Example:
      >>> schedule = cosine_decay_schedule(1.0, 10)
      >>> [round(schedule(step), 6) for step in (0, 5, 10, 100)]
      [1.0, 0.5, 0.0, 0.0]
    """
    require_in("(0, inf)", decay_steps, "cosine_decay_schedule: decay_steps")
    for name, value in {"init_value": init_value, "alpha": alpha, "exponent": exponent}.items():
        require_number(f"cosine_decay_schedule: {name}", value)

    def schedule(count):
        cosine = 0.5 * (1 + math.cos(math.pi * min(count / decay_steps, 1)))
        return init_value * ((1 - alpha) * cosine**exponent + alpha)

    return schedule


def warmup_cosine_decay_schedule(
    init_value: float,
    peak_value: float,
    warmup_steps: int,
    decay_steps: int,
    end_value: float = 0.0,
    exponent: float = 1.0,
) -> Schedule:
    """A straight line up to the peak, then half a wave of the cosine down.

    Args:
      init_value: the value at step 0.
      peak_value: the value at step `warmup_steps`.
      warmup_steps: the length of the line.
      decay_steps: the length of the whole, warm-up included.
      end_value: the value from step `decay_steps` on.
      exponent: the power of the cosine, as in `cosine_decay_schedule`.

    Example:
      >>> schedule = warmup_cosine_decay_schedule(0.0, 1.0, 10, 30, end_value=0.5)
      >>> [round(schedule(step), 6) for step in (0, 5, 10, 20, 30, 100)]
      [0.0, 0.5, 1.0, 0.75, 0.5, 0.5]
    """
    require_in("[0, inf)", warmup_steps, "warmup_cosine_decay_schedule: warmup_steps")
    for name, value in {"peak_value": peak_value, "end_value": end_value}.items():
        require_number(f"warmup_cosine_decay_schedule: {name}", value)
    if not decay_steps > warmup_steps:
        raise ValueError(
            "warmup_cosine_decay_schedule: decay_steps includes the warm-up and must be above "
            f"warmup_steps, got {decay_steps=} and {warmup_steps=}"
        )
    warmup = linear_schedule(init_value, peak_value, warmup_steps)
    decay = cosine_decay_schedule(
        peak_value,
        decay_steps - warmup_steps,
        alpha=0.0 if peak_value == 0 else end_value / peak_value,
        exponent=exponent,
    )
    return join_schedules([warmup, decay], [warmup_steps])


def piecewise_constant_schedule(
    init_value: float, boundaries_and_scales: Mapping[int, float] | None = None
) -> Schedule:
    """Steps: a·Π sᵢ over the boundaries tᵢ ≤ t.

    Args:
      init_value: a, the value before the first boundary.
      boundaries_and_scales: `{tᵢ: sᵢ}`, the factors at least 0.

    Example:
      >>> schedule = piecewise_constant_schedule(1.0, {10: 0.5, 20: 0.25})
      >>> [schedule(step) for step in (9, 10, 20)]
      [1.0, 0.5, 0.125]
    """
    scales = dict(boundaries_and_scales or {})
    place = "piecewise_constant_schedule: boundaries_and_scales"
    for boundary, factor in scales.items():
        require_in("[0, inf)", factor, f"{place}[{boundary}]")
        require_in("[0, inf)", boundary, f"{place}: a boundary")
    require_number("piecewise_constant_schedule: init_value", init_value)

    def schedule(count):
        passed = (factor for boundary, factor in scales.items() if count >= boundary)
        return init_value * math.prod(passed)

    return schedule


def join_schedules(schedules: Sequence[Schedule], boundaries: Sequence[int]) -> Schedule:
    """One schedule after another, each of which sees its own first step as 0.

    Args:
      schedules: the schedules, in order.
      boundaries: the steps at which the second and each later one begins.

    Example:
      >>> one, two = constant_schedule(1.0), constant_schedule(2.0)
      >>> [join_schedules([one, two], [10])(step) for step in (9, 10)]
      [1.0, 2.0]
    """
    if len(boundaries) != len(schedules) - 1:
        raise ValueError(
            f"join_schedules: boundaries must be {len(schedules) - 1} between {len(schedules)} "
            f"schedules, got {len(boundaries)}"
        )
    for boundary in boundaries:
        require_in("[0, inf)", boundary, "join_schedules: boundaries")

    def joined(count):
        value = schedules[0](count)
        for boundary, schedule in zip(boundaries, schedules[1:], strict=True):
            value = value if count < boundary else schedule(count - boundary)
        return value

    return joined
