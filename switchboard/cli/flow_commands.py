"""All commands of `switchboard flow`: each module adds its own to one application."""

from switchboard.cli import flow_callers, flow_exploring, flow_importing
from switchboard.cli.flow import app

__all__ = ["app", "flow_callers", "flow_exploring", "flow_importing"]
