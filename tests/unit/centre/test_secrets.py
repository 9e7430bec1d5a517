from pathlib import Path

import pytest

from switchboard.centre.secrets import PinSource, SecretError, SecretSource, check_pin, hash_pin


def test_a_secret_from_the_environment() -> None:
    source = SecretSource(secret_env="AMI")
    assert source.read(Path(), {"AMI": "s3cret"}) == "s3cret"
    for environment in ({}, {"AMI": ""}):
        with pytest.raises(SecretError, match="environment variable AMI is not set"):
            source.read(Path(), environment)


def test_a_secret_from_a_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "ami").write_text("s3cret\n")
    assert SecretSource(secret_file="ami").read(tmp_path) == "s3cret"
    assert SecretSource(secret_file=str(tmp_path / "ami")).read(Path("/elsewhere")) == "s3cret"


def test_one_of_several_secrets_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secrets.yaml").write_text("phone-101: s3cret\npin: 0042\n")
    assert SecretSource(secret_file="secrets.yaml", key="phone-101").read(tmp_path) == "s3cret"
    assert SecretSource(secret_file="secrets.yaml", key="pin").read(tmp_path) == "0042"


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        (None, None, "No such file"),
        ("", None, "no secret here"),
        ("  \n", None, "no secret here"),
        (b"\xff", None, "not UTF-8 text"),
        ("phone-101: s3cret", "phone-102", "no key 'phone-102' here (did you mean 'phone-101'?)"),
        ("- s3cret", "phone-101", "no key 'phone-101' here (it is not a mapping)"),
        ("s3cret: {", "phone-101", "not a YAML mapping of secrets"),
    ],
)
def test_a_secret_that_is_not_there_is_told_without_the_secret(
    tmp_path: Path, content: str | bytes | None, key: str | None, said: str
) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(SecretError) as caught:
        SecretSource(secret_file="file", key=key).read(tmp_path)
    assert said in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_a_pin_is_known_by_its_hash_alone() -> None:
    hashed = hash_pin("2468")
    assert "2468" not in hashed
    assert hashed != hash_pin("2468")
    assert check_pin("2468", hashed)
    assert not check_pin("2469", hashed)
    assert PinSource(hash=hashed).accepts("2468", Path())
    assert not PinSource(hash=hashed).accepts("", Path())


@pytest.mark.parametrize("pin", ["", "123", "12a4", "1234567890123", "１２３４", "12 34"])
def test_a_pin_is_4_to_12_digits(pin: str) -> None:
    with pytest.raises(ValueError, match="4 to 12 digits"):
        hash_pin(pin)


@pytest.mark.parametrize("hashed", [False, True])
def test_a_pin_from_elsewhere_plain_or_hashed(hashed: bool) -> None:
    environment = {"PIN": hash_pin("2468") if hashed else "2468"}
    pin = PinSource(secret_env="PIN")
    assert pin.accepts("2468", Path(), environment)
    assert not pin.accepts("1111", Path(), environment)


def test_a_spoilt_hash_is_an_error_and_lets_nobody_in() -> None:
    for spoilt in ("scrypt:zz:00", "scrypt:00", "scrypt::"):
        with pytest.raises(SecretError, match="no hash of a PIN"):
            PinSource(secret_env="PIN").accepts("2468", Path(), {"PIN": spoilt})
