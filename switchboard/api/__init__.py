"""The HTTP API: the operations, who may ask them, the live state stream, metrics and health, for other programs.

Nothing here knows an operation by name: routes and the OpenAPI description are made from `switchboard.operations`.
"""
