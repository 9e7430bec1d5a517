"""Writing plain data as YAML that people like to read: what fits into a line stands in one."""

from collections.abc import Mapping
from typing import Any

import yaml

WIDTH = 118


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def yaml_text(data: Mapping[str, Any], comments: tuple[str, ...] = ()) -> str:
    """The document, with comments above it. Reading it yields equal data."""
    said = "".join(f"# {line}\n" for comment in comments for line in comment.splitlines())
    return said + "".join(_entry(key, value, 0) for key, value in data.items())


def _entry(key: str, value: Any, depth: int) -> str:
    indent = "  " * depth
    name = _flow(key)
    line = f"{indent}{name}: {_flow(value)}\n"
    if len(line) <= WIDTH and (depth > 0 or not isinstance(value, dict | list)):
        return line
    if isinstance(value, dict) and value:
        return f"{indent}{name}:\n" + "".join(_entry(str(k), v, depth + 1) for k, v in value.items())
    if isinstance(value, list) and value:
        return f"{indent}{name}:\n" + "".join(_item(item, depth + 1) for item in value)
    return line


def _item(item: Any, depth: int) -> str:
    indent = "  " * depth
    line = f"{indent}- {_flow(item)}\n"
    if len(line) <= WIDTH or not isinstance(item, dict) or not item:
        return line
    block = "".join(_entry(str(key), value, depth + 1) for key, value in item.items())
    return f"{indent}- {block[len(indent) + 2 :]}"


def _flow(value: Any) -> str:
    """The value in one line."""
    text = yaml.dump(value, Dumper=_Dumper, default_flow_style=True, sort_keys=False, width=10**9, allow_unicode=True)
    return text.removesuffix("\n").removesuffix("\n...")
