"""The trainings of `benchmarks.contenders.sweeps` in PyTorch."""

import copy

import torch
from torch.func import functional_call, grad_and_value, stack_module_state, vmap
from torch.nn import functional as F

from benchmarks.contenders.members import BATCH_SIZE, members
from benchmarks.contenders.pytorch import network, tensors, with_tensors


def one_after_another(runs, examples):
    """The tuned loop once for every run."""
    images, labels = tensors(examples)

    def run():
        losses = []
        for rate, seed in members(runs):
            model = network((256, 128), seed=seed)
            epoch = with_tensors(model, BATCH_SIZE, images, labels, rate)
            losses.append(epoch()["loss"])
        return {"runs": runs, "loss": sum(losses) / runs}

    return run


def stacked(runs, examples):
    """`torch.func`: gradients of all runs by `vmap`, Adam on the stacked parameters."""
    images, labels = tensors(examples)
    rates = torch.tensor([rate for rate, _ in members(runs)])
    skeleton = copy.deepcopy(network((256, 128))).to("meta")

    def loss_of(params, x, y):
        return F.cross_entropy(functional_call(skeleton, params, (x,)), y)

    gradients = vmap(grad_and_value(loss_of))

    def run():
        networks = [network((256, 128), seed=seed) for _, seed in members(runs)]
        params, _ = stack_module_state(networks)
        params = {name: value.detach() for name, value in params.items()}
        update = adam(params, rates)
        orders = torch.stack([torch.randperm(examples) for _ in range(runs)])
        total = torch.zeros(())
        for batch in orders.split(BATCH_SIZE, dim=1):
            grads, loss = gradients(params, images[batch], labels[batch])
            update(grads)
            total += loss.sum() * BATCH_SIZE
        return {"runs": runs, "loss": total.item() / (runs * examples)}

    return run


def adam(params, rates, b1=0.9, b2=0.999, eps=1e-8):
    """Adam in place on stacked parameters, a learning rate for each run."""
    mu = {name: torch.zeros_like(value) for name, value in params.items()}
    nu = {name: torch.zeros_like(value) for name, value in params.items()}
    count = 0

    def update(grads):
        nonlocal count
        count += 1
        c1, c2 = 1 - b1**count, 1 - b2**count
        for name, grad in grads.items():
            mu[name].lerp_(grad, 1 - b1)
            nu[name].mul_(b2).addcmul_(grad, grad, value=1 - b2)
            step_size = (rates / c1).reshape(-1, *[1] * (grad.ndim - 1))
            root = nu[name].sqrt().div_(c2**0.5).add_(eps)
            params[name].sub_(step_size * mu[name] / root)

    return update
