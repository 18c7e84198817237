"""PyTorch adds the gradients of two batches up; `optax.MultiSteps` takes their mean."""

import optax
import torch


class EverySecond(torch.optim.SGD):
    calls = 0

    def zero_grad(self, set_to_none=True):
        self.calls += 1
        return super().zero_grad(set_to_none) if self.calls % 2 == 1 else None

    def step(self, closure=None):
        return super().step(closure) if self.calls % 2 == 0 else None


optimizers = optax.MultiSteps(optax.sgd(0.1), 2), lambda tensors: EverySecond(tensors, 0.1)

if __name__ == "__main__":
    params, tensor = torch.ones(2).numpy(), torch.ones(2, requires_grad=True)
    state, optimizer = optimizers[0].init(params), EverySecond([tensor], 0.1)
    for gradient in torch.tensor([[1.0, 2.0], [3.0, 5.0]]):
        updates, state = optimizers[0].update(gradient.numpy(), state, params)
        params = optax.apply_updates(params, updates)
        optimizer.zero_grad()
        (gradient @ tensor).backward()
        optimizer.step()
    difference = abs(params - tensor.detach().numpy()).max()
    print("JAX", params, "PyTorch", tensor.detach(), "largest difference", difference)
