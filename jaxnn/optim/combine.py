"""Transformations made of transformations: one after another, or on some of the leaves only.

Extra keyword arguments of `update` go to those members that name them or take any.
"""

import inspect
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax

from jaxnn.typing import GradientTransformation, OptState, Params


class EmptyState(NamedTuple):
    """The state of a transformation that keeps nothing."""


class MaskedNode(NamedTuple):
    """Stands in a tree where `masked` has hidden a leaf; it has no leaves itself."""


class MaskedState(NamedTuple):
    """The state of the masked transformation, over the leaves that it sees."""

    inner_state: OptState


def identity() -> GradientTransformation:
    """Leaves the gradients as they are.

    Returns:
      A transformation without state.

    Example:
      >>> from jaxnn import optim
      >>> nothing = optim.identity()
      >>> nothing.update({"kernel": 2.0}, nothing.init({"kernel": 1.0}))
      ({'kernel': 2.0}, EmptyState())
    """
    return stateless(lambda grads: grads)


def stateless(f: Callable[[Any], Any]) -> GradientTransformation:
    """A transformation that is one function of the gradients."""
    return GradientTransformation(
        lambda params: EmptyState(), lambda grads, state, params=None: (f(grads), state)
    )


def chain(*transformations: GradientTransformation) -> GradientTransformation:
    """Applies one transformation after another.

    Args:
      *transformations: of this library, of Optax, or any object with `init` and `update`.

    Returns:
      A transformation whose state is the tuple of the members' states, and whose `update` takes
      extra keyword arguments. With a member of Optax's it is of the type by which Optax knows that.

    Raises:
      TypeError: if a member has no `init` and `update`.
      ValueError: from `update`, if the state is not of as many members.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxnn import optim
      >>> optimizer = optim.chain(optim.clip(1.0), optim.sgd(0.5))
      >>> grads = jnp.array([0.5, 3.0])
      >>> optimizer.update(grads, optimizer.init(grads))[0]
      Array([-0.25, -0.5 ], dtype=float32)
    """
    steps = [_with_extra_args("chain", member) for member in transformations]

    def init(params: Params) -> OptState:
        return tuple(member.init(params) for member in transformations)

    def update(grads, state, params=None, **extra_args):
        if len(state) != len(steps):
            raise ValueError(f"chain: a state of {len(steps)} members expected, got {len(state)}")
        new_state = []
        for step, member_state in zip(steps, state, strict=True):
            grads, member_state = step(grads, member_state, params, **extra_args)
            new_state.append(member_state)
        return grads, tuple(new_state)

    return _extensible_type(transformations)(init, update)


def masked(
    inner: GradientTransformation,
    mask: Any | Callable[[Params], Any],
    *,
    mask_compatible_extra_args: bool = False,
) -> GradientTransformation:
    """Applies a transformation to some of the leaves, and leaves the other gradients as they are.

    The inner transformation sees a `MaskedNode`, which holds no array, for each hidden leaf.

    Args:
      inner: the transformation.
      mask: a tree of booleans, True where `inner` applies, of the parameters' structure or a
        prefix of it; or a function that makes one of parameters or gradients.
      mask_compatible_extra_args: whether extra arguments of the gradients' structure
        are masked too.

    Returns:
      A transformation with the state `MaskedState(inner_state)`.

    Raises:
      TypeError: if `inner` has no `init` and `update`.
      ValueError: from `init` and `update`, if the mask is no prefix of the tree.

    Example:
      >>> from jaxnn import optim
      >>> kernels_only = {"kernel": True, "bias": False}
      >>> decay = optim.masked(optim.add_decayed_weights(0.1), kernels_only)
      >>> params = {"kernel": 2.0, "bias": 2.0}
      >>> grads = {"kernel": 0.0, "bias": 0.0}
      >>> decay.update(grads, decay.init(params), params)[0]
      {'bias': 0.0, 'kernel': Array(0.2, dtype=float32)}
    """
    step = _with_extra_args("masked", inner)
    is_function = callable(mask) and jax.tree_util.all_leaves([mask])
    mask_of = lambda tree: mask(tree) if is_function else mask

    def init(params: Params) -> MaskedState:
        # Optax's `tree_map_params` asks with a stand-in that has no leaves and nothing to hide.
        leafless = not jax.tree.leaves(params)
        return MaskedState(inner.init(params if leafless else _hide(mask_of(params), params)))

    def update(grads, state, params=None, **extra_args):
        chosen = mask_of(grads)
        structure = jax.tree.structure(grads)
        hides = lambda x: mask_compatible_extra_args and jax.tree.structure(x) == structure
        extra_args = {k: _hide(chosen, x) if hides(x) else x for k, x in extra_args.items()}
        hidden_params = None if params is None else _hide(chosen, params)
        updates, inner_state = step(
            _hide(chosen, grads), state.inner_state, hidden_params, **extra_args
        )
        put_back = lambda m, update, grad: update if m else grad
        return jax.tree.map(put_back, chosen, updates, grads), MaskedState(inner_state)

    return _extensible_type([inner])(init, update)


def _hide(mask: Any, tree: Any) -> Any:
    try:
        return jax.tree.map(lambda m, leaf: leaf if m else MaskedNode(), mask, tree)
    except ValueError as error:
        raise ValueError(
            "masked: a mask of the tree's structure, or a prefix of it, is expected, got\n"
            f"  {jax.tree.structure(mask)}\nfor a tree of\n  {jax.tree.structure(tree)}"
        ) from error


def _with_extra_args(name: str, member: GradientTransformation) -> Callable[..., tuple]:
    """The member's `update`, given of the extra arguments those that it takes."""
    if not (hasattr(member, "init") and hasattr(member, "update")):
        raise TypeError(f"{name}: a transformation with init and update expected, got {member!r}")
    parameters = inspect.signature(member.update).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return member.update
    takes = {parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY}

    def update(grads, state, params=None, **extra_args):
        taken = {key: value for key, value in extra_args.items() if key in takes}
        return member.update(grads, state, params, **taken)

    return update


def _extensible_type(members: Iterable[GradientTransformation]) -> Callable[..., Any]:
    """The type of a transformation of these members.

    Optax hands extra arguments to its own `GradientTransformationExtraArgs` and to no other type;
    nothing here imports Optax, so that type is looked up beside that of the member.
    """
    for kind in map(type, members):
        if issubclass(kind, tuple) and kind is not GradientTransformation:
            return getattr(sys.modules[kind.__module__], "GradientTransformationExtraArgs", kind)
    return GradientTransformation
