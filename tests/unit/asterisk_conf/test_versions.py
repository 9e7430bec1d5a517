"""Which versions of Asterisk are known to be bad."""

import pytest

from asterisk_conf.versions import FAULTS, faults


@pytest.mark.parametrize("version", [(20, 15, 2), (21, 10, 2), (22, 5, 2), (22, 10, 1), (23, 0, 0)])
def test_mended_versions_may_serve(version: tuple[int, int, int]) -> None:
    assert faults(version) == []


@pytest.mark.parametrize(
    ("version", "reasons"),
    [
        ((18, 26, 4), ["older than 20"]),
        ((20, 8, 0), ["CVE-2024-42365", "CVE-2025-57767", "CVE-2024-35190"]),
        ((20, 8, 1), ["CVE-2024-42365", "CVE-2025-57767"]),
        ((21, 4, 2), ["CVE-2025-57767"]),
        ((22, 5, 1), ["CVE-2025-57767"]),
    ],
)
def test_bad_versions_are_told_with_every_reason(version: tuple[int, int, int], reasons: list[str]) -> None:
    found = faults(version)
    assert len(found) == len(reasons)
    assert all(reason in fault for reason, fault in zip(reasons, found, strict=True))


def test_every_fault_is_of_one_branch() -> None:
    assert all(fault.first[0] == fault.fixed[0] and fault.first < fault.fixed for fault in FAULTS)
