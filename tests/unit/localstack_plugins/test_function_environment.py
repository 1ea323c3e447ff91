from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from reports_localstack.function_environment import function_environment, import_paths

CODE, RUNTIME, PRIVATE = Path("/code"), Path("/runtime"), Path("/private")
NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_", min_size=1, max_size=12)


def _environment(given_to_container, own) -> dict[str, str]:
    return function_environment(given_to_container, own, "python3.11", CODE, RUNTIME, PRIVATE)


@given(own=st.dictionaries(NAMES, st.text(max_size=5)), given_to_container=st.dictionaries(NAMES, st.text(max_size=5)))
def test_functions_own_variables_win(own, given_to_container) -> None:
    seen = _environment({**given_to_container, **own}, own)
    assert own.items() <= seen.items()


def test_functions_own_variables_may_be_called_like_internal_ones() -> None:
    own = {"LOCALSTACK_HOSTNAME": "mine", "EDGE_PORT": "1"}
    assert own.items() <= _environment({**own, "LOCALSTACK_RUNTIME_ID": "x"}, own).items()


def test_variables_for_the_program_inside_a_container_are_left_out() -> None:
    internal = {"LOCALSTACK_RUNTIME_ENDPOINT": "", "EDGE_PORT": "4566", "AWS_LAMBDA_FUNCTION_TIMEOUT": 3}
    assert not _environment(internal, {}).keys() & internal.keys()


def test_lambdas_variables_are_text_and_name_the_real_folders() -> None:
    seen = _environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": 512, "LAMBDA_TASK_ROOT": "/var/task"}, {})
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "512"
    assert (seen["LAMBDA_TASK_ROOT"], seen["LAMBDA_RUNTIME_DIR"]) == ("/code", "/runtime")
    assert (seen["HOME"], seen["TMPDIR"]) == ("/private", "/private")
    assert seen["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.11"


def test_code_comes_before_layers_and_later_layers_before_earlier_ones() -> None:
    paths = import_paths(CODE, [Path("/first"), Path("/second")], "python3.11")
    assert [str(path) for path in paths] == [
        "/code",
        "/second/python/lib/python3.11/site-packages",
        "/first/python/lib/python3.11/site-packages",
        "/second/python",
        "/first/python",
    ]
