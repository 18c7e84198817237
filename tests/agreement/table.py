"""The table of agreement: a row for every public thing of the twins, and how it is run.

A row's name begins with the public name that it stands for, `optim.adam nesterov` for
`jaxnn.optim.adam`; `test_agreement` asserts that none is missing.
"""

from collections.abc import Callable, Iterator

from tests.agreement.function_rows import FUNCTIONS
from tests.agreement.harness import Observation
from tests.agreement.layer_rows import LAYERS
from tests.agreement.optimizer_rows import OPTIMIZERS
from tests.agreement.training_rows import TRAINING

Row = Callable[[str, float], Iterator[Observation]]
"""`row(dtype, scale)` runs both sides, gradients multiplied by the scale."""

TABLE: dict[str, Row] = FUNCTIONS | LAYERS | OPTIMIZERS | TRAINING
