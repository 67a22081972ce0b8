"""Names that are like another one."""

from __future__ import annotations

import pytest

from sidecar_magics.load.reporting.nearest import nearest

NAMES = ["lab_member", "lab_team", "#parameters", "_electrode", "session", "Ünit"]


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("lab_membr", "lab_member"),
        ("LabMember", "lab_member"),
        ("lab-member", "lab_member"),
        ("Parameters", "#parameters"),
        ("electrode", "_electrode"),
        ("sesion", "session"),
        ("ünit", "Ünit"),
        ("subject", ""),
        ("session", ""),  # it is there itself: another cause
        ("", ""),
        ("###", ""),
    ],
)
def test_nearest(name: str, near: str) -> None:
    assert nearest(name, NAMES) == near


def test_nothing_is_near_where_nothing_is() -> None:
    assert nearest("lab", []) == ""
