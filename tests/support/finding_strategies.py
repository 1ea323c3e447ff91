"""Findings of every kind, for Hypothesis."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from chalicelib.domain.finding import SEVERITIES, FindingNode
from tests.support.bulletin_findings import ACCOUNT, DISMISSED, LAPTOP, a_finding

_nodes = st.lists(st.sampled_from([LAPTOP, ACCOUNT, FindingNode("f", "file", "a.py")]), max_size=3).map(tuple)
finding_lists: Final = st.lists(
    st.builds(
        a_finding,
        st.uuids().map(str),
        st.text(max_size=40),
        st.sampled_from(SEVERITIES),
        summary=st.text(max_size=40),
        confidence=st.floats(0, 1),
        nodes=_nodes,
        tags=st.dictionaries(st.sampled_from(["cwe", "kind", "x"]), st.text(max_size=12), max_size=2),
        dismissal=st.sampled_from([None, None, DISMISSED]),
    ),
    max_size=12,
    unique_by=lambda finding: finding.id,
)
