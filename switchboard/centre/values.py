"""The kinds of values that people write in a centre's documents, each with its rule in words."""

import re
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from documents import nearest


class Document(BaseModel):
    """Base of all that people write: nothing unknown is passed over, nothing is guessed (`"20"` is no number)."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


def matching(pattern: str, rule: str) -> AfterValidator:
    """Text must match `pattern` as a whole; `rule` says so in words."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def _schema(pattern: str) -> Any:
    return Field(json_schema_extra={"pattern": f"^({pattern})$"})


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"there is no such time zone ({nearest(name, available_timezones())})")
    return name


_NAME = "[A-Za-z][A-Za-z0-9_-]{0,63}"
_NAME_RULE = "a name is a letter and then letters, digits, '_' and '-', at most 64 in all"
_LANGUAGE = "[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"
_NUMBER = r"\+?[0-9]{2,20}"
_PREFIX = r"\+?[0-9X]{1,20}"
_EXTENSION = "[0-9]{2,8}"
_SKILL = rf"(contact\.)?{_NAME}"
_HOST = "[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,39}"
_SIP = r"sip:([A-Za-z0-9._+-]+@)?[A-Za-z0-9.-]+(:[0-9]{2,5})?(;transport=(udp|tcp|tls))?"


Name = Annotated[str, _schema(_NAME), matching(_NAME, _NAME_RULE)]
Language = Annotated[
    str,
    _schema(_LANGUAGE),
    matching(_LANGUAGE, "a language tag belongs here, such as 'en', 'es' or 'pt-BR'"),
]
Number = Annotated[
    str,
    _schema(_NUMBER),
    matching(_NUMBER, "a number is 2 to 20 digits, after a '+' if the trunk sends one"),
]
Prefix = Annotated[
    str,
    _schema(_PREFIX),
    matching(_PREFIX, "the beginning of a number belongs here, such as '+34' or '+346XXXXXXXX'; X is any digit"),
]
Extension = Annotated[
    str,
    _schema(_EXTENSION),
    matching(_EXTENSION, "an extension is 2 to 8 digits"),
]
SkillReference = Annotated[
    str,
    _schema(_SKILL),
    matching(_SKILL, "the name of a skill belongs here, or 'contact.' and the attribute that names the skill"),
]
Host = Annotated[
    str,
    _schema(_HOST),
    matching(_HOST, "a host name or an IP address belongs here"),
]
Network = Annotated[
    str,
    _schema(f"({_HOST})(/[0-9]{{1,3}})?"),
    matching(f"({_HOST})(/[0-9]{{1,3}})?", "an address or a network belongs here, such as '192.0.2.0/24'"),
]
SipAddress = Annotated[
    str,
    _schema(_SIP),
    matching(_SIP, "a SIP address belongs here, such as 'sip:101@10.0.0.7:5060'"),
]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Text = Annotated[
    str, Field(min_length=1, max_length=200), matching(r"[^\x00-\x1f\x7f]*", "text of one line belongs here")
]
Level = Annotated[int, Field(ge=1, le=10)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
AtOnce = Annotated[int, Field(ge=0, le=100)]
Port = Annotated[int, Field(ge=1, le=65_535)]
Seconds = Annotated[float, Field(ge=0, le=7 * 86_400)]
PositiveSeconds = Annotated[float, Field(ge=0.1, le=7 * 86_400)]
