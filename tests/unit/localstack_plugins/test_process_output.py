from __future__ import annotations

import os

from reports_localstack.process_output import MAX_PENDING_BYTES, ProcessOutput


def _started() -> tuple[ProcessOutput, int]:
    """Return an output and a process's end of its pipe."""
    output = ProcessOutput()
    end = os.dup(output.fileno())
    output.started()
    return output, end


def test_everything_printed_so_far_is_there_and_comes_once() -> None:
    output, end = _started()
    for number in range(200):
        os.write(end, f"line {number}\n".encode())
        assert output.take() == f"line {number}\n"
    assert output.take() == ""
    os.close(end)


def test_it_can_be_taken_after_the_process_has_gone() -> None:
    output, end = _started()
    os.write(end, "the last words: ü".encode())
    os.close(end)
    assert output.take() == "the last words: ü"
    assert output.take() == ""


def test_bytes_that_are_no_text_are_replaced() -> None:
    output, end = _started()
    os.write(end, b"a\xffb")
    os.close(end)
    assert output.take() == "a\ufffdb"


def test_output_that_nobody_takes_is_bounded_and_never_blocks_the_process() -> None:
    output, end = _started()
    for _ in range(3 * MAX_PENDING_BYTES // 65536):
        os.write(end, b"x" * 65535 + b"\n")
    os.write(end, b"newest")
    os.close(end)
    text = output.take()
    assert len(text) <= MAX_PENDING_BYTES
    assert text.endswith("newest")
