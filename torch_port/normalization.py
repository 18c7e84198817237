"""Layers that bring values to a common scale: over the batch, over the features, of raw images."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from torch_port import checks


class BatchNorm(nn.BatchNorm1d):
    """Normalises each feature over the batch: y = weight (x − μ)/√(σ² + ε) + bias.

    While training, μ and σ² are the mean and the biased variance over all axes but the last, and
    the running values move towards the mean and the unbiased variance:

        running ← (1 − momentum) · running + momentum · new

    Otherwise μ and σ² are the running values. Features are on the last axis, as everywhere here;
    those of `nn.BatchNorm1d` are on the second.

    Args:
      size: features of x.
      momentum: weight of the new value, in [0, 1].
      epsilon: ε > 0, added to the variance.

    Raises:
      ValueError: on settings outside their range; in `forward`, on a last axis or a dtype that does
        not fit, or on a single value per feature while training, whose variance is undefined.

    Example:
      >>> layer = BatchNorm(1)
      >>> y = layer(torch.tensor([[0.0], [2.0]]))
      >>> y.ravel().tolist(), layer.running_mean, layer.running_var
      ([-0.99999..., 0.99999...], tensor([0.1000]), tensor([1.1000]))
    """

    def __init__(self, size: int, *, momentum: float = 0.1, epsilon: float = 1e-5):
        checks.require_positive_integer(size, "batch_norm: size")
        checks.require_in("[0, 1]", momentum, "batch_norm: momentum")
        checks.require_in("(0, inf)", epsilon, "batch_norm: epsilon")
        super().__init__(size, momentum=momentum, eps=epsilon)

    def forward(self, input: Tensor) -> Tensor:
        size = self.num_features
        checks.require_input("batch_norm", input, self.weight.dtype, size)
        if self.training and input.numel() < 2 * size:
            expected = "training needs more than one value per feature"
            raise ValueError(f"batch_norm: {expected}, got shape {tuple(input.shape)}")
        return super().forward(input.reshape(-1, size)).reshape(input.shape)


class LayerNorm(nn.LayerNorm):
    """Normalises each example over its features: y = weight (x − μ)/√(σ² + ε) + bias.

    μ and σ² are the mean and the biased variance over the last axis.

    Args:
      size: features of x.
      epsilon: ε > 0, added to the variance.

    Raises:
      ValueError: on settings outside their range; in `forward`, on a last axis or a dtype that does
        not fit.

    Example:
      >>> LayerNorm(2)(torch.tensor([[1.0, 3.0]])).tolist()
      [[-0.99999..., 0.99999...]]
    """

    def __init__(self, size: int, *, epsilon: float = 1e-5):
        checks.require_positive_integer(size, "layer_norm: size")
        checks.require_in("(0, inf)", epsilon, "layer_norm: epsilon")
        super().__init__(size, eps=epsilon)

    def forward(self, input: Tensor) -> Tensor:
        checks.require_input("layer_norm", input, self.weight.dtype, self.weight.shape[0])
        return super().forward(input)


class NormalizeImages(nn.Module):
    """Brings raw images to the scale that a network was made for: (x/255 − mean)/std.

    `mean` and `std` are buffers, so that a `state_dict` carries them and `.double()` and `.to()`
    move them. `torchvision.transforms.Normalize` keeps them with the data instead.

    Args:
      mean: of pixels in [0, 1]: one number, or one per channel (the last axis).
      std: their standard deviation > 0, likewise.

    Raises:
      ValueError: on a std that is not positive, or unequal numbers of channels; in `forward`, on
        images that are neither uint8 nor of the buffers' dtype, or of other channels.

    Example:
      >>> NormalizeImages(0.5, 0.5)(torch.tensor([[0, 255]], dtype=torch.uint8))
      tensor([[-1.,  1.]])
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: float | Sequence[float], std: float | Sequence[float]):
        super().__init__()
        for value in std if isinstance(std, Sequence) else [std]:
            checks.require_in("(0, inf)", value, "normalize_images: std")
        for value in mean if isinstance(mean, Sequence) else [mean]:
            checks.require_in("(-inf, inf)", value, "normalize_images: mean")
        channels = {len(value) for value in (mean, std) if isinstance(value, Sequence)}
        if len(channels) > 1:
            raise ValueError(
                f"normalize_images: mean and std must have as many channels, got {mean} and {std}"
            )
        dtype = torch.get_default_dtype()
        self.register_buffer("mean", torch.tensor(mean, dtype=dtype))
        self.register_buffer("std", torch.tensor(std, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        checks.require_tensor("normalize_images", "images", x)
        dtype = self.mean.dtype
        if x.dtype == torch.uint8:
            x = x.to(dtype) / 255
        elif x.dtype != dtype:
            raise ValueError(f"normalize_images: images must be uint8 or {dtype}, got {x.dtype}")
        channels = {len(value) for value in (self.mean, self.std) if value.ndim}
        if channels and x.shape[-1:] != (*channels,):
            expected = f"{max(channels)} channels on their last axis"
            raise ValueError(f"normalize_images: images must have {expected}, got {tuple(x.shape)}")
        return (x - self.mean) / self.std
