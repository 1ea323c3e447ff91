"""Ports for servers that start some seconds later: nobody else is given one meanwhile."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from embedded.processes import ROOT, StackError, free_port

# Outside the range that ports are taken from, so that no other test has it.
PORT = 9_871
_HOLD = f"""
import random
random.SystemRandom.randrange = lambda *_: {PORT}
from embedded.processes import free_port
print(free_port(), flush=True)
input()
"""


def test_a_port_is_another_s_only_when_the_process_that_has_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random.SystemRandom, "randrange", lambda *_: PORT)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert int(holder.stdout.readline()) == PORT
        with pytest.raises(StackError, match="no free TCP port"):
            free_port()
        holder.communicate("\n")
    assert free_port() == PORT
    with pytest.raises(StackError, match="no free TCP port"):
        free_port()
