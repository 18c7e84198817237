"""What the given values hide: programs that agree on them, and not on others."""

from torch_port.parity.comparison import Scope, Sides
from torch_port.parity.diagnosis.diagnosis import diagnose
from torch_port.parity.diagnosis.lockstep import LOCALISES_ONLY, run_and_judged
from torch_port.parity.diagnosis.probes import PROBES


def hidden_differences(sides: Sides, scope: Scope) -> list[str]:
    """In words, where the outputs part for other values than the given ones, and why.

    Args:
      sides: which agree on the given values.
      scope: of that comparison.

    Returns:
      A sentence for each cause; none where all probes agree, or where a program refuses them.
    """
    scope = scope._replace(gradients=False)
    found: dict[str, str] = {}
    for name, probe in PROBES.items():
        try:
            why = _difference_at(probe(sides), scope)
        except Exception:  # a program need not take any values
            continue
        if why:
            found.setdefault(why, f"the same on these values, but not with {name}: {why}")
    return [*found.values()]


def _difference_at(sides: Sides, scope: Scope) -> str:
    jax, found = run_and_judged(sides, scope)
    decisive = (d for d in found if d.kind not in LOCALISES_ONLY)
    first = next((d for d in decisive if d.verdict == "semantic"), None)
    if first is None:
        return ""
    causes = [cause for fault in diagnose(sides, jax, scope) for cause in fault.causes]
    return "; ".join(cause.title for cause in causes) or f"{first.kind} {first.jax_path} differs"
