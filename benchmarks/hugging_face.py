"""Models that Hugging Face has in Flax and in PyTorch, handed to the parity engine as they are.

    python -m venv hf
    hf/bin/pip install --constraint constraints.txt "transformers>=4.57,<5" torch "jax>=0.10" \\
        "flax>=0.12" optax lazy-loader pillow platformdirs rich safetensors
    PYTHONPATH=. hf/bin/python -m benchmarks.hugging_face [names]

Version 5 of `transformers` has no Flax models any more. The models are small and their weights are
drawn, so that nothing is downloaded. What is found is in `docs/hugging-face.md`.
"""

import argparse
import copy
import time
import warnings

import jax.numpy as jnp
import numpy as np
import torch
import transformers

from torch_port import parity

SIZES = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 48,
    "vocab_size": 50,
    "max_position_embeddings": 20,
}

DRAW = np.random.default_rng(0)
WORDS = DRAW.integers(2, 50, (2, 7))
WITH_PADDING_WORD = np.where(np.arange(7) > 4, 0, WORDS)
WHOLE = np.ones((2, 7), np.int64)
PADDED = np.int64([[1] * 7, [1] * 5 + [0] * 2])
TYPES = np.zeros((2, 7), np.int64)
PLACES = np.tile(np.arange(7), (2, 1))
IMAGES = DRAW.standard_normal((2, 3, 8, 8), np.float32)


def sides(name, config, torch_changes=None):
    """The Flax module and the PyTorch module of an architecture.

    In Flax models a dtype is fixed in every layer; float64 there is float32 in a float32 run.
    """
    torch.manual_seed(0)
    flax_model = getattr(transformers, f"Flax{name}Model")(config, dtype=jnp.float64)
    other = copy.deepcopy(config)  # a Flax module reads its own while it runs
    other.update(torch_changes or {})
    return flax_model.module, getattr(transformers, f"{name}Model")(other).eval()


def bert(words=WORDS, mask=WHOLE, **changes):
    pair = sides("Bert", transformers.BertConfig(**SIZES), changes)
    return *pair, (words, mask, TYPES, PLACES)


def distilbert():
    config = transformers.DistilBertConfig(
        vocab_size=50,
        max_position_embeddings=20,
        n_layers=SIZES["num_hidden_layers"],
        n_heads=4,
        dim=32,
        hidden_dim=48,
    )
    return *sides("DistilBert", config), (WORDS, PADDED)


def roberta():
    config = transformers.RobertaConfig(**SIZES, pad_token_id=1)
    return *sides("Roberta", config), (WORDS, WHOLE, TYPES, PLACES + 2)


def vit(**changes):
    sizes = {name: size for name, size in SIZES.items() if not name.startswith(("vocab", "max"))}
    config = transformers.ViTConfig(**sizes, image_size=8, patch_size=4)
    return *sides("ViT", config, changes), IMAGES


PAIRS = {
    "BERT": bert,
    "BERT, two words masked": lambda: bert(mask=PADDED),
    "BERT, two words of padding": lambda: bert(WITH_PADDING_WORD, PADDED),
    "BERT, tanh GELU in PyTorch": lambda: bert(hidden_act="gelu_new"),
    "BERT, epsilon 1e-5 in PyTorch": lambda: bert(layer_norm_eps=1e-5),
    "DistilBERT": distilbert,
    "RoBERTa": roberta,
    "ViT": vit,
    "ViT, epsilon 1e-5 in PyTorch": lambda: vit(layer_norm_eps=1e-5),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", default=[*PAIRS], help="which pairs; all by default")
    parser.add_argument("--layers", type=int, default=2)
    warnings.filterwarnings("ignore", message="Explicitly requested dtype")
    warnings.filterwarnings("ignore", message="overflow encountered in cast")
    arguments = parser.parse_args()
    SIZES["num_hidden_layers"] = arguments.layers
    for name in arguments.names:
        start = time.perf_counter()
        report = parity.compare(*PAIRS[name]())
        print(f"\n## {name} ({time.perf_counter() - start:.0f} s)\n\n{report}")
        print(*(f"not compared: {path}" for path in report.not_compared), sep="\n", flush=True)


if __name__ == "__main__":
    main()
