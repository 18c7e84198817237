"""Measures what the float32 tolerances are set by: the largest difference of every kind."""

import jax

from tests.agreement.judge import worst_by_kind

if __name__ == "__main__":
    jax.config.update("jax_enable_x64", True)
    for kind, (units, place) in sorted(worst_by_kind("float32").items()):
        print(f"{kind:24} {units:8.2f}  {place}")
