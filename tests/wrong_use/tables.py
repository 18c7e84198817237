"""The tables of wrong uses, of `jaxnn` and of its twin."""

import jaxnn
from tests.wrong_use import arguments, exemptions, torch_arguments, torch_exemptions
from tests.wrong_use.table import Table, public

JAXNN = Table(
    public=public(getattr(jaxnn, name) for name in jaxnn.__all__),
    right=arguments.RIGHT,
    wrong=arguments.WRONG,
    anything=set().union(*exemptions.TAKES_ANYTHING.values()),
    free=exemptions.FREE,
    without={*exemptions.WITHOUT_ROWS, *exemptions.RECORDS},
    reported_by=exemptions.REPORTED_BY,
)

TORCH_PORT = Table(
    public=torch_arguments.PUBLIC,
    right=torch_arguments.RIGHT,
    wrong=torch_arguments.WRONG,
    anything=set().union(*torch_exemptions.TAKES_ANYTHING.values()),
    free=torch_exemptions.FREE,
    without={
        *torch_exemptions.WITHOUT_ROWS, *torch_exemptions.RECORDS, *torch_exemptions.IN_USE
    },
    reported_by=torch_exemptions.REPORTED_BY,
)  # fmt: skip
