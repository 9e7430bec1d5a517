"""Versions of Asterisk that must not serve a call centre, each with its reason and source."""

from dataclasses import dataclass
from typing import Final

from asterisk_conf.root import LEAST_VERSION, Version


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the versions from `first` (inclusive) to `fixed` (exclusive), of the branch `fixed[0]`."""

    first: Version
    fixed: Version
    what: str
    source: str

    def __str__(self) -> str:
        return f"{self.what} ({self.source}); fixed in {'.'.join(map(str, self.fixed))}"


_ORIGINATE = "an AMI user who may originate calls can write any configuration file"
_AUTHORIZATION = "one malformed Authorization header from anybody crashes it"
_IDENTIFY = "every SIP request from anybody is taken for a known endpoint"

FAULTS: Final = (
    Fault((20, 0, 0), (20, 9, 2), _ORIGINATE, "CVE-2024-42365"),
    Fault((21, 0, 0), (21, 4, 2), _ORIGINATE, "CVE-2024-42365"),
    Fault((20, 0, 0), (20, 15, 2), _AUTHORIZATION, "CVE-2025-57767"),
    Fault((21, 0, 0), (21, 10, 2), _AUTHORIZATION, "CVE-2025-57767"),
    Fault((22, 0, 0), (22, 5, 2), _AUTHORIZATION, "CVE-2025-57767"),
    Fault((20, 8, 0), (20, 8, 1), _IDENTIFY, "CVE-2024-35190"),
    Fault((21, 3, 0), (21, 3, 1), _IDENTIFY, "CVE-2024-35190"),
)


def faults(version: Version) -> list[str]:
    """What is known against a version; nothing: it may serve. Distributions may have mended faults of old versions."""
    if version < LEAST_VERSION:
        return [f"older than {LEAST_VERSION[0]}, the first version that Switchboard is made for"]
    return [str(fault) for fault in FAULTS if fault.first <= version < fault.fixed]
