"""The OpenAPI 3.1 description of the API, made from the table of operations and the models it names."""

import json
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaMode

from switchboard.api.endpoints import VERSION, Endpoint, of_operations
from switchboard.api.own_endpoints import OWN, READY, STREAM
from switchboard.api.problems import MEDIA_TYPE, ProblemDetails

Json = dict[str, Any]
_REF = "#/components/schemas/{model}"
_EVERYWHERE = (400, 413, 415, 421, 500, 503)
_TOKEN: Json = {"token": []}
_SESSION: Json = {"session": []}
_SESSION_TO_CHANGE: Json = {"session": [], "csrf": []}


def description() -> Json:
    """The whole description, as JSON."""
    endpoints = [*of_operations(), *OWN]
    schemas, components = _schemas(endpoints)
    paths: dict[str, Json] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Switchboard",
            "version": version("switchboard-acd"),
            "summary": "Call routing and IVR for Asterisk: agents, queues, contacts, records and the live state.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "The engine's own address (settings.api)."}],
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(components.items())),
            "responses": _problems(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "`switchboard token create`."},
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "switchboard",
                    "description": f"The cookie of POST {VERSION}/session; `__Host-switchboard` over HTTPS.",
                },
                "csrf": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-CSRF-Token",
                    "description": "For changes asked for by cookie: the `csrf_token` of the session.",
                },
            },
        },
    }


def text() -> str:
    """The description as a file (docs/reference/openapi.json)."""
    return json.dumps(description(), indent=2, ensure_ascii=False) + "\n"


def _schemas(endpoints: list[Endpoint]) -> tuple[dict[tuple[str, JsonSchemaMode], Json], Json]:
    """The schema of each body (`NAME`, validation) and answer (`NAME`, serialization), and what they refer to."""
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [("", "serialization", TypeAdapter(ProblemDetails))]
    for endpoint in endpoints:
        if endpoint.body is not None:
            inputs.append((endpoint.name, "validation", TypeAdapter(endpoint.body)))
        if endpoint.answer is not None:
            inputs.append((endpoint.name, "serialization", TypeAdapter(endpoint.answer)))
        for name, info in (endpoint.in_path | endpoint.in_query).items():
            inputs.append((f"{endpoint.name}.{name}", "validation", TypeAdapter(info.rebuild_annotation())))
    schemas, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REF)
    named = definitions.get("$defs", {})
    _close(schemas)
    _close(named)
    return dict(schemas), named


def _close(schema: Any) -> None:
    """Says that keys of other patterns are refused, which pydantic does and its schemas do not say."""
    for inner in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _close(inner)
    if isinstance(schema, dict) and "patternProperties" in schema:
        schema.setdefault("additionalProperties", False)


def _problems() -> Json:
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model=ProblemDetails.__name__)}}}
    statuses = sorted({401, 403, 404, 409, 422, 426, 429, *_EVERYWHERE})
    return {str(status): {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def _operation(endpoint: Endpoint, schemas: dict[tuple[str, JsonSchemaMode], Json]) -> Json:
    said = [endpoint.description, f"Roles: {endpoint.roles}." if endpoint.roles else ""]
    operation: Json = {
        "operationId": endpoint.name,
        "tags": [endpoint.area],
        "summary": endpoint.summary,
        "description": "\n\n".join(filter(None, said)),
        "security": _security(endpoint),
        "parameters": [
            _parameter(name, info, place, schemas[f"{endpoint.name}.{name}", "validation"])
            for place, fields in (("path", endpoint.in_path), ("query", endpoint.in_query))
            for name, info in fields.items()
        ],
    }
    if endpoint.body is not None:
        content = {"application/json": {"schema": schemas[endpoint.name, "validation"]}}
        required = any(info.is_required() for info in endpoint.body.model_fields.values())
        operation["requestBody"] = {"required": required, "content": content}
    operation["responses"] = _responses(endpoint, schemas)
    return {key: value for key, value in operation.items() if value or key == "security"}


def _security(endpoint: Endpoint) -> list[Json]:
    if endpoint.open:
        return []
    return [_TOKEN, _SESSION if endpoint.method == "GET" else _SESSION_TO_CHANGE]


def _parameter(name: str, info: FieldInfo, place: str, schema: Json) -> Json:
    options = [option for option in schema.get("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:  # nothing is said by leaving it out
        (schema,) = options
    parameter: Json = {"name": name, "in": place, "required": place == "path" or info.is_required(), "schema": schema}
    if info.description:
        parameter["description"] = info.description
    return parameter


def _responses(endpoint: Endpoint, schemas: dict[tuple[str, JsonSchemaMode], Json]) -> Json:
    good: Json
    if endpoint is STREAM:
        good = {"101": {"description": "The WebSocket is open."}}
    elif endpoint.answer is not None:
        schema = schemas[endpoint.name, "serialization"]
        good = {"200": {"description": "Done.", "content": {"application/json": {"schema": schema}}}}
    else:
        good = {"200": {"description": "Done.", "content": {endpoint.media_type: {"schema": {"type": "string"}}}}}
    bad = sorted({*endpoint.statuses, *_EVERYWHERE, *(() if endpoint.open else (401,))})
    answers = good | {str(status): {"$ref": f"#/components/responses/{status}"} for status in bad}
    if endpoint is READY:
        answers["503"] = good["200"] | {"description": "Not ready."}
    return answers
