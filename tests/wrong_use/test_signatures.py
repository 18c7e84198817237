"""Every public function, every parameter that can be wrong: one line that says what and where."""

import pytest

import jaxnn
from jaxnn import checkpoint
from tests.wrong_use.arguments import CHECKPOINTS, PARAMS, RIGHT, WRONG
from tests.wrong_use.exemptions import FREE, RECORDS, REPORTED_BY, TAKES_ANYTHING, WITHOUT_ROWS
from tests.wrong_use.table import Table, public

TABLE = Table(
    public=public(getattr(jaxnn, name) for name in jaxnn.__all__),
    right=RIGHT,
    wrong=WRONG,
    anything=set().union(*TAKES_ANYTHING.values()),
    free=FREE,
    without={*WITHOUT_ROWS, *RECORDS},
    reported_by=REPORTED_BY,
)


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder for all that is written, with a checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("wrong_use"))
        checkpoint.save(CHECKPOINTS, PARAMS, step=1, config={}, loss=0.5)
        yield


def test_there_are_many_rows():
    assert len(TABLE.rows()) >= 400


@pytest.mark.parametrize("function", TABLE.public)
def test_what_is_public_has_rows_for_every_parameter_that_can_be_wrong(function):
    TABLE.require_rows(function)


def test_no_exemption_is_out_of_date():
    TABLE.require_no_exemption_out_of_date()


@pytest.mark.parametrize("function", TABLE.right)
def test_the_right_arguments_are_right(function):
    TABLE.public[function](**TABLE.right[function])


@pytest.mark.parametrize(("function", "name", "value"), TABLE.rows())
def test_the_message_says_what_was_expected_what_came_and_where(function, name, value):
    TABLE.require_said(function, name, value)
