"""Wrong uses, one a row: each is answered before anything is computed, with what came."""

import jax.numpy as jnp
import pytest

from jaxnn import optim

PARAMS = {"kernel": jnp.ones((2, 2)), "bias": jnp.ones(2)}
OTHER = {"kernel": jnp.ones((2, 2)), "offset": jnp.ones(2)}


def updated(optimizer, grads=OTHER, params=PARAMS):
    return lambda: optimizer.update(grads, optimizer.init(PARAMS), params)


WRONG = {
    "momentum above 1": (lambda: optim.sgd(0.1, momentum=9.0), ValueError, r"\[0, 1\].*9.0"),
    "momentum below 0": (lambda: optim.trace(-0.1), ValueError, r"\[0, 1\].*-0.1"),
    "decay above 1": (lambda: optim.rmsprop(0.1, decay=1.1), ValueError, r"\[0, 1\].*1.1"),
    "b1 of 1": (lambda: optim.adam(0.1, b1=1.0), ValueError, r"b1.*\[0, 1\).*1.0"),
    "b2 above 1": (lambda: optim.amsgrad(0.1, b2=2), ValueError, r"b2.*\[0, 1\).*2"),
    "b1 as a string": (lambda: optim.nadam(0.1, b1="0.9"), ValueError, r"b1.*'0.9'"),
    "a negative epsilon": (lambda: optim.adam(0.1, eps=-1e-8), ValueError, r"eps .*-1e-08"),
    "a negative epsilon in the root": (
        lambda: optim.adamw(0.1, eps_root=-1.0),
        ValueError,
        r"eps_root.*-1.0",
    ),
    "no epsilon": (lambda: optim.scale_by_stddev(eps=None), ValueError, "eps.*None"),
    "a negative start": (lambda: optim.adagrad(0.1, -0.1), ValueError, "initial.*-0.1"),
    "a negative scale": (
        lambda: optim.rmsprop(0.1, initial_scale=-1.0),
        ValueError,
        "initial_scale.*-1.0",
    ),
    "a rate as a string": (lambda: optim.sgd("0.1"), TypeError, "learning_rate.*'0.1'"),
    "a scale as a list": (lambda: optim.scale([0.1]), TypeError, r"step_size.*\[0.1\]"),
    "a number for a schedule": (lambda: optim.scale_by_schedule(0.1), TypeError, "function.*0.1"),
    "decay as a string": (lambda: optim.adamw(0.1, weight_decay="1"), TypeError, "decay.*'1'"),
    "a negative bound": (lambda: optim.clip(-1.0), ValueError, "max_delta.*-1.0"),
    "a negative norm": (lambda: optim.clip_by_global_norm(-1.0), ValueError, "max_norm.*-1.0"),
    "no transformation in a chain": (lambda: optim.chain(optim.adam), TypeError, "init.*adam"),
    "no transformation to mask": (lambda: optim.masked(0.1, True), TypeError, "init.*0.1"),
    "a mask of another structure": (
        lambda: optim.masked(optim.trace(0.9), {"offset": True}).init(PARAMS),
        ValueError,
        r"mask(.|\n)*offset(.|\n)*kernel",
    ),
    "decay without parameters": (
        updated(optim.adamw(0.1), PARAMS, None),
        ValueError,
        "add_decayed_weights.*params",
    ),
    "gradients unlike the parameters": (
        updated(optim.add_decayed_weights(0.1)),
        ValueError,
        r"add_decayed_weights(.|\n)*bias(.|\n)*offset",
    ),
    "updates unlike the parameters": (
        lambda: optim.apply_updates(PARAMS, OTHER),
        ValueError,
        r"apply_updates(.|\n)*offset(.|\n)*bias",
    ),
    "state of another chain": (
        lambda: optim.adam(0.1).update(PARAMS, optim.adamw(0.1).init(PARAMS), PARAMS),
        ValueError,
        "state of 2.*3",
    ),
    "a negative decay rate": (
        lambda: optim.exponential_decay(0.1, 10, -0.5),
        ValueError,
        "decay_rate.*-0.5",
    ),
    "no steps of a cosine": (lambda: optim.cosine_decay_schedule(0.1, 0), ValueError, "steps.*0"),
    "a warm-up without end": (
        lambda: optim.warmup_cosine_decay_schedule(0.0, 0.1, 10, 10),
        ValueError,
        "above warmup_steps, got decay_steps=10 and warmup_steps=10",
    ),
    "a negative factor": (
        lambda: optim.piecewise_constant_schedule(0.1, {10: -0.5}),
        ValueError,
        r"boundaries_and_scales\[10\].*-0.5",
    ),
    "a boundary too many": (
        lambda: optim.join_schedules([lambda t: t], [10]),
        ValueError,
        "boundaries must be 0.*got 1",
    ),
} | {
    f"{name}: gradients unlike the state": (
        updated(optimizer),
        ValueError,
        rf"{message}(.|\n)*bias(.|\n)*offset",
    )
    for name, optimizer, message in [
        ("sgd", optim.sgd(0.1, 0.9), "trace"),
        ("rmsprop", optim.rmsprop(0.1), "scale_by_rms"),
        ("centred rmsprop", optim.rmsprop(0.1, centered=True), "scale_by_stddev"),
        ("adagrad", optim.adagrad(0.1), "scale_by_rss"),
        ("adam", optim.adam(0.1), "scale_by_adam"),
        ("amsgrad", optim.amsgrad(0.1), "scale_by_amsgrad"),
    ]
}


@pytest.mark.parametrize(("use", "error", "message"), WRONG.values(), ids=WRONG.keys())
def test_wrong_use(use, error, message):
    with pytest.raises(error, match=message):
        use()
