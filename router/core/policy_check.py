"""What is wrong with a policy (placeholder of the first hour)."""

from documents import Problem
from router.core.policy import Policy


def check_policy(policy: Policy) -> list[Problem]:
    return []
