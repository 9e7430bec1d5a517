"""The centre's configuration: one directory of YAML, checked as a whole."""

from switchboard.centre.centre import AgentDetails, Centre
from switchboard.centre.files import UnusableDirectory
from switchboard.centre.load import centre_documents, load_centre

__all__ = ["AgentDetails", "Centre", "UnusableDirectory", "centre_documents", "load_centre"]
