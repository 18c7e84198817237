"""Optimisers as people write them, by hand and in factories, with what is easily forgotten."""

import functools

import jax
import jax.numpy as jnp
import optax
import torch

SGD, RMSprop, Adam, AdamW, Adagrad, NAdam = (
    getattr(torch.optim, name) for name in ("SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "NAdam")
)


def made(kind, **settings):
    """A factory for an optimiser with settings."""
    return functools.partial(kind, **settings)


def hooked(kind, hook, **settings):
    """A factory for one that changes its gradients before each step."""

    def factory(params):
        optimizer = kind(params, **settings)
        optimizer.register_step_pre_hook(lambda *_: hook(params))
        return optimizer

    return factory


def scheduled(kind, scheduler, **settings):
    """A factory for one with a scheduler."""

    def factory(params):
        optimizer = kind(params, **settings)
        return optimizer, scheduler(optimizer)

    return factory


def falling(factor):
    return lambda optimizer: torch.optim.lr_scheduler.ExponentialLR(optimizer, factor)


def by_norm(bound):
    def hook(params):
        torch.nn.utils.clip_grad_norm_(params, bound)

    return hook


def by_norm_of_each(bound):
    def hook(params):
        for p in params:
            torch.nn.utils.clip_grad_norm_([p], bound)

    return hook


def by_value(bound):
    def hook(params):
        torch.nn.utils.clip_grad_value_(params, bound)

    return hook


class NeverCleared(SGD):
    """A training that forgets `zero_grad`."""

    def zero_grad(self, set_to_none=True):
        pass


def every_second(params):
    """Of accumulated gradients: two `backward()` before each step."""
    return _EverySecond(params, lr=0.1)


class _EverySecond(SGD):
    count = 0

    def step(self, closure=None):
        self.count += 1
        if self.count % 2 == 0:
            super().step(closure)
            for group in self.param_groups:
                for p in group["params"]:
                    p.grad = None
        return None

    def zero_grad(self, set_to_none=True):
        pass


def kernels(params):
    return jax.tree.map(lambda p: p.ndim > 1, params)


def without_decay_of_biases(params):
    decayed = [p for p in params if p.ndim > 1]
    others = [p for p in params if p.ndim <= 1]
    groups = [{"params": decayed}, {"params": others, "weight_decay": 0.0}]
    return AdamW(groups, lr=0.01, weight_decay=0.1)


def two_rates(params):
    groups = [{"params": params[:2]}, {"params": params[2:], "lr": 0.02}]
    return Adam(groups, lr=0.01)


def slower(first):
    """Adam with another rate for the first layer."""
    labels = {"first": "first", "second": "second"}
    by_layer = {"first": optax.adam(first), "second": optax.adam(0.02)}
    return optax.multi_transform(by_layer, lambda params: labels)


def summed():
    """A chain's link that forgets to clear its gradients."""
    init = lambda params: jax.tree.map(jnp.zeros_like, params)

    def update(grads, state, params=None):
        state = jax.tree.map(jnp.add, state, grads)
        return state, state

    return optax.GradientTransformation(init, update)


def adam_by_hand(*, first=True, second=True, start=1, rate=0.01):
    """Adam as it is written by hand, with what is easily forgotten."""

    def init(params):
        zeros = jax.tree.map(jnp.zeros_like, params)
        return jnp.zeros([], jnp.int32), zeros, zeros

    def update(grads, state, params=None):
        count, mean, square = state
        t = count + start
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, grads)
        square = jax.tree.map(lambda v, g: 0.999 * v + (1 - 0.999) * g * g, square, grads)
        corrected1 = 1 - 0.9**t if first else 1.0
        corrected2 = 1 - 0.999**t if second else 1.0
        step = lambda m, v: -rate * (m / corrected1) / (jnp.sqrt(v / corrected2) + 1e-8)
        return jax.tree.map(step, mean, square), (count + 1, mean, square)

    return optax.GradientTransformation(init, update)


def dampened_by_hand(rate, mu, tau):
    """b ← μb + (1−τ)g from the first step, as papers write it."""
    init = lambda params: jax.tree.map(jnp.zeros_like, params)

    def update(grads, state, params=None):
        state = jax.tree.map(lambda b, g: mu * b + (1 - tau) * g, state, grads)
        return jax.tree.map(lambda b: -rate * b, state), state

    return optax.GradientTransformation(init, update)


def chain_sgd(*before, rate=0.1, momentum=None, nesterov=False):
    return optax.chain(*before, optax.sgd(rate, momentum, nesterov))
