"""Every public function, every parameter that can be wrong: one line that says what and where."""

import pytest

from jaxnn import checkpoint
from tests.wrong_use.arguments import CHECKPOINTS, PARAMS
from tests.wrong_use.tables import JAXNN, TORCH_PORT

TABLES = {"jaxnn": JAXNN, "torch_port": TORCH_PORT}
each_table = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def functions_of_each(field: str) -> list:
    """The functions that each table has in one of its fields."""
    return [
        pytest.param(table, function, id=f"{package}-{function}")
        for package, table in TABLES.items()
        for function in getattr(table, field)
    ]


def rows_of_each() -> list:
    return [
        pytest.param(table, *row.values, id=f"{package}-{row.id}")
        for package, table in TABLES.items()
        for row in table.rows()
    ]


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory):
    """A folder for all that is written, with a checkpoint."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("wrong_use"))
        checkpoint.save(CHECKPOINTS, PARAMS, step=1, config={}, loss=0.5)
        yield


@each_table
def test_there_are_many_rows(table):
    assert len(table.rows()) >= 400


@pytest.mark.parametrize(("table", "function"), functions_of_each("public"))
def test_what_is_public_has_rows_for_every_parameter_that_can_be_wrong(table, function):
    table.require_rows(function)


@each_table
def test_no_exemption_is_out_of_date(table):
    table.require_no_exemption_out_of_date()


@pytest.mark.parametrize(("table", "function"), functions_of_each("right"))
def test_the_right_arguments_are_right(table, function):
    table.public[function](**table.right[function])


@pytest.mark.parametrize(("table", "function", "name", "value"), rows_of_each())
def test_the_message_says_what_was_expected_what_came_and_where(table, function, name, value):
    table.require_said(function, name, value)
