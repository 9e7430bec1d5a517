import pytest

from documents import DocumentError, read
from ivr.flow.effects import Prompt
from ivr.flow.prompts import Prompts, load_prompts

TEXT = """
welcome:
  text: {en: Welcome., es: Bienvenido.}
  sounds: {en: ["centre:welcome", vm-goodbye]}
sorry:
  sounds: {en: [sorry], pt-BR: ["centre:pt/desculpe"]}
grüße:
  text: {de: "Grüß Gott 👋"}
"""


def prompts(text: str = TEXT) -> Prompts:
    return load_prompts(read(text, "prompts.yaml"), "en")


def test_a_prompt_has_the_text_and_the_sounds_of_its_language() -> None:
    assert prompts().prompt("welcome", "en") == Prompt("welcome", "Welcome.", ("centre:welcome", "vm-goodbye"))
    assert prompts().prompt("welcome", "es") == Prompt("welcome", "Bienvenido.")


@pytest.mark.parametrize(
    ("name", "language", "heard"),
    [
        ("welcome", "es-MX", Prompt("welcome", "Bienvenido.")),
        ("welcome", "fr", Prompt("welcome", "Welcome.", ("centre:welcome", "vm-goodbye"))),
        ("sorry", "pt-BR", Prompt("sorry", "", ("centre:pt/desculpe",))),
        ("grüße", "en", Prompt("grüße", "Grüß Gott 👋")),
    ],
)
def test_a_language_that_is_lacking_falls_back_to_the_nearest(name: str, language: str, heard: Prompt) -> None:
    assert prompts().prompt(name, language) == heard


def test_an_unknown_prompt_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        prompts().prompt("nothing", "en")


@pytest.mark.parametrize(
    "sound",
    [
        "../secrets",
        "centre:../x",
        "centre:a/../../x",
        "/etc/passwd",
        "a//b",
        "centre:/x",
        "file:x",
        "a b",
        "a&b",
        ".hidden",
        "x/.hidden",
        "x,y",
        "",
        "centre:",
    ],
)
def test_a_sound_cannot_leave_its_directory_or_be_anything_but_a_name(sound: str) -> None:
    with pytest.raises(DocumentError, match=r"prompts\.yaml:2: a\.sounds\.en\[0\]"):
        prompts(f"a:\n  sounds: {{en: ['{sound}']}}")


@pytest.mark.parametrize("entry", ["{}", "{text: {}}", "{sounds: {en: []}}", "{text: {en: ''}}", "hello", "{txt: {}}"])
def test_a_prompt_says_something(entry: str) -> None:
    with pytest.raises(DocumentError, match=r"prompts\.yaml:1"):
        prompts(f"a: {entry}")


def test_a_language_is_a_tag() -> None:
    with pytest.raises(DocumentError, match="the name is 'e n'"):
        prompts("a: {text: {'e n': hello}}")
