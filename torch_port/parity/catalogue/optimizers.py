"""Differences of meaning between optimisers."""

from torch_port.parity.catalogue import gradient_changes
from torch_port.parity.catalogue import optimizer_changes as changes
from torch_port.parity.catalogue.entry import Entry


def _entry(id, title, explanation, jax_fix, torch_fix, source, hypotheses) -> Entry:
    return Entry(id, title, explanation, jax_fix, torch_fix, source, "optimizer", hypotheses)


ENTRIES: tuple[Entry, ...] = (
    _entry(
        "update-sign",
        "one side climbs",
        "An update is minus the learning rate times the direction; `maximize=True` or a lost minus "
        "turns it round.",
        "end the chain with `scale_by_learning_rate`, which brings the minus, or `scale(-1.0)`",
        "set `maximize` the other way",
        "torch.optim, `maximize`",
        gradient_changes.sign,
    ),
    _entry(
        "epsilon-inside-root",
        "ε inside or outside the root",
        "PyTorch divides by √v + ε. Optax's RMSProp and Adagrad divide by √(v + ε), and its Adam "
        "has `eps_root` there as well. It shows where gradients are small.",
        "RMSProp: `eps_in_sqrt=False`; Adam: `eps_root=0.0`; Adagrad: `jaxnn` has PyTorch's as "
        "`torch_port.convert.optimizer` makes it",
        "use `torch_port.optim`, whose RMSprop and Adagrad have ε inside the root",
        "google-deepmind/optax issue 532",
        changes.epsilon,
    ),
    _entry(
        "rmsprop-centered",
        "RMSProp centred on one side only",
        "Centred RMSProp divides by the standard deviation of gradients, plain RMSProp by the root "
        "of their mean square.",
        "`rmsprop(..., centered={torch})`",
        "`RMSprop(..., centered={jax})`",
        "torch.optim.RMSprop; Graves (2013)",
        changes.centered,
    ),
    _entry(
        "amsgrad-order",
        "AMSGrad's maximum, before or after the bias correction",
        "PyTorch takes the maximum of v and corrects its bias; Optax takes the maximum of the "
        "corrected v̂. They part from the second step.",
        "use `torch_port.convert.optimizer` of PyTorch's optimiser: JAX should have {torch}",
        "use `torch_port.optim.AMSGrad`, which has Optax's order: PyTorch should have {jax}",
        "google-deepmind/optax issue 1389",
        changes.amsgrad,
    ),
    _entry(
        "nadam-schedule",
        "NAdam with a growing or a constant momentum",
        "PyTorch's NAdam lets β₁ grow by the schedule of Dozat's paper (`momentum_decay`); Optax's "
        "has a constant one.",
        "use `torch_port.convert.optimizer` of PyTorch's NAdam",
        "use `torch_port.optim.NAdam`, which has the constant one",
        "torch.optim.NAdam; optax.nadam",
        changes.nadam,
    ),
    _entry(
        "nesterov",
        "Nesterov's form on one side only",
        "Nesterov's momentum steps by g + μb, plain momentum by the buffer b; of Adam it makes "
        "NAdam.",
        "`nesterov={torch}`",
        "`nesterov={jax}`; for Adam use NAdam, or Adam instead of it",
        "torch.optim.SGD; optax.sgd",
        changes.nesterov,
    ),
    _entry(
        "momentum-average",
        "momentum as an average or as a sum",
        "PyTorch's and Optax's `trace` sum: b ← μb + g. An exponential moving average has "
        "b ← μb + (1−μ)g, so its steps are 1−μ times as long.",
        "use `trace({{momentum}})` instead of `ema`: JAX should have {torch}",
        "divide the learning rate by 1−μ for an average: PyTorch should have {jax}",
        "optax.trace, optax.ema",
        changes.average,
    ),
    _entry(
        "momentum-dampening",
        "momentum dampened on one side only",
        "PyTorch's dampening τ has b ← μb + (1−τ)g from the second step, not in the first. "
        "Optax has none.",
        "JAX should have a dampening of {torch}: use `torch_port.convert.optimizer`",
        "`dampening={jax}`",
        "torch.optim.SGD",
        changes.dampening,
    ),
    _entry(
        "momentum-learning-rate",
        "the learning rate inside or outside the momentum",
        "PyTorch multiplies the buffer by the rate of the step; Sutskever's form, and Optax's "
        "RMSProp with momentum, sum steps that have their rate already. They part when the rate "
        "changes.",
        "put `trace` before `scale_by_learning_rate`: the rate should be {torch}",
        "keep the rate constant, or use `torch_port.optim.RMSprop`: the rate should be {jax}",
        "pytorch/pytorch issue 1099",
        changes.momentum_rate,
    ),
    _entry(
        "bias-correction",
        "bias correction of the moments",
        "Adam divides its moments by 1−βᵗ, t from 1. Without it, or with another t, the first "
        "steps have another length: 0.316 of it for 0.9 and 0.999.",
        "correct the bias as PyTorch does: {torch}",
        "PyTorch always corrects; JAX: {jax}",
        "Kingma and Ba (2015), algorithm 1",
        changes.bias_correction,
    ),
    _entry(
        "weight-decay-coupled",
        "weight decay in the gradient or in the update",
        "Adam(weight_decay) adds λθ to the gradient, which is then divided by its size; AdamW "
        "adds it to the update.",
        "JAX should have it {torch}: `add_decayed_weights` before the optimiser for the gradient, "
        "`adamw` for the update",
        "PyTorch should have it {jax}: Adam for the gradient, AdamW for the update",
        "Loshchilov and Hutter (2019); torch.optim.AdamW",
        changes.decay_coupled,
    ),
    _entry(
        "weight-decay-order",
        "weight decay before or after the momentum",
        "PyTorch's SGD adds λθ to the gradient before the momentum. Behind it in a chain, the "
        "decay is not summed. They part from the second step.",
        "JAX should have it {torch}: `chain(add_decayed_weights(λ), sgd(...))`",
        "PyTorch should have it {jax}: no option; decay the parameters by hand",
        "torch.optim.SGD; optax.add_decayed_weights",
        changes.decay_order,
    ),
    _entry(
        "weight-decay-mask",
        "weight decay of other parameters",
        "PyTorch decays all parameters of a group; in JAX a mask often leaves out biases and "
        "scales.",
        "`mask`: weight decay should be {torch}",
        "parameter groups, with `weight_decay` 0 in one: it should be {jax}",
        "optax.adamw, `mask`",
        changes.decay_mask,
    ),
    _entry(
        "schedule-offset",
        "a schedule that is a step ahead or behind",
        "Optax's first update uses schedule(0); so does PyTorch if the scheduler steps after the "
        "optimiser. One that steps first is a step ahead.",
        "shift the schedule: JAX takes it {jax}, PyTorch {torch}",
        "call `scheduler.step()` once after each `optimizer.step()`",
        "torch.optim.lr_scheduler",
        gradient_changes.schedule,
    ),
    _entry(
        "gradient-clipping",
        "gradients bounded otherwise",
        "`clip_grad_norm_` divides by the norm of all gradients + 1e-6; Optax's "
        "`clip_by_global_norm` by the norm; others bound each parameter or each element.",
        "clip as PyTorch does: {torch}",
        "clip as JAX does: {jax}",
        "torch.nn.utils.clip_grad_norm_; optax.clip_by_global_norm",
        gradient_changes.clipping,
    ),
    _entry(
        "gradient-accumulation",
        "gradients of several steps, summed or averaged",
        "`backward()` called k times sums; Optax's `MultiSteps` averages.",
        "accumulate as PyTorch does: {torch}",
        "accumulate as JAX does: {jax}; for a mean divide each loss by k",
        "optax.MultiSteps",
        gradient_changes.accumulation,
    ),
    _entry(
        "gradient-not-cleared",
        "gradients that are never cleared",
        "PyTorch adds to `.grad` until `zero_grad` is called; without it each step sees the sum of "
        "all gradients so far.",
        "JAX should have gradients that are {torch}",
        "call `optimizer.zero_grad()` before each `backward()`, if JAX's are {jax}",
        "torch.optim.Optimizer.zero_grad",
        gradient_changes.not_cleared,
    ),
    _entry(
        "accumulator-initial-value",
        "the first value of the squares' accumulator",
        "Adagrad starts at 0 in PyTorch and at 0.1 in Optax; RMSProp at 0 in both and at 1 in "
        "TensorFlow.",
        "`initial_accumulator_value={torch}` for Adagrad, `initial_scale={torch}` for RMSProp",
        "`initial_accumulator_value={jax}` for Adagrad; RMSprop of PyTorch has no such setting",
        "torch.optim.Adagrad; optax.adagrad; google-deepmind/optax issue 49",
        changes.initial,
    ),
    _entry(
        "optimizer-hyperparameter",
        "a setting of the optimiser has another value",
        "The defaults differ: RMSProp's decay is 0.99 in PyTorch and 0.9 in Optax, AdamW's weight "
        "decay 1e-2 and 1e-4, Adagrad's ε 1e-10 and 1e-7.",
        "set {name} to {torch}",
        "set {name} to {jax}",
        "the defaults in torch.optim and optax",
        changes.hyperparameters,
    ),
)
"""Every known difference between optimisers, the likelier explanation first."""
