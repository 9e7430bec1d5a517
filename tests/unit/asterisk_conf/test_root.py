"""Finding and building an Asterisk, with stand-ins for the programs of the machine."""

import threading
from pathlib import Path

import pytest

from asterisk_conf import modules, root
from asterisk_conf.root import Installation, SetupError


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1", (22, 10, 1)),
        ("Asterisk 20.6.0~dfsg+~cs6.13.40431414-2build5", (20, 6, 0)),
        ("Asterisk certified-20.7-cert5", (20, 7, 5)),
        ("Asterisk certified/18.9-cert13", (18, 9, 13)),
        ("Asterisk GIT-master-abc", None),
        ("bash: asterisk: command not found", None),
    ],
)
def test_versions_are_read_as_asterisk_prints_them(text: str, version: tuple[int, int, int] | None) -> None:
    assert root.parse_version(text) == version


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An otherwise empty PATH to put programs on, an empty cache, and no choice made by the environment."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv(root.ENV_CACHE, str(tmp_path / "cache"))
    monkeypatch.delenv(root.ENV_MIRROR, raising=False)
    monkeypatch.setattr(root, "_machine_installation", lambda: None)
    return directory


def program(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def sources(directory: Path, *rows: str) -> None:
    program(directory, "apt-get", "\n".join(f"echo '{row}'" for row in rows))


def test_the_mirror_is_the_debian_archive_of_the_machines_apt(programs: Path) -> None:
    sources(
        programs,
        "nodesource|nodesource|nodistro|https://packages.example/node/",
        "Debian|Debian-Security|bookworm-security|http://mirror.example/debian-security/",
        "Debian|Debian|bookworm|http://mirror.example/debian/",
    )
    assert root.debian_mirror() == "http://mirror.example/debian"


def test_before_the_first_apt_update_the_suites_name_tells_the_archive(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources(
        programs,
        "$(ORIGIN)|$(LABEL)|nodistro|https://packages.example/node/",
        "$(ORIGIN)|$(LABEL)|bookworm-security|http://mirror.example/debian-security/",
        "$(ORIGIN)|$(LABEL)|bookworm|http://mirror.example/debian/",
    )
    monkeypatch.setattr(root, "_os_release", lambda: {"ID": "debian", "VERSION_CODENAME": "bookworm"})
    assert root.debian_mirror() == "http://mirror.example/debian"


def test_on_ubuntu_the_error_says_what_to_install_or_set(programs: Path) -> None:
    sources(programs, "Ubuntu|Ubuntu|noble|http://mirror.example/ubuntu/")
    with pytest.raises(SetupError, match=r"apt-get install asterisk.*SWITCHBOARD_DEBIAN_MIRROR"):
        root.debian_mirror()


def test_the_environment_can_name_the_mirror(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(root.ENV_MIRROR, "http://chosen.example/debian")
    assert root.debian_mirror() == "http://chosen.example/debian"


def test_without_root_a_missing_program_is_named_with_its_package(
    programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root.os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="sudo apt-get install sip-tester"):
        root.ensure_program("sipp", "sip-tester")


def test_with_root_a_missing_program_is_installed(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(root.os, "geteuid", lambda: 0)
    install = f'[ "$1" = install ] && printf "#!/bin/sh\\n" > {programs}/sipp && /bin/chmod +x {programs}/sipp'
    program(programs, "apt-get", install)
    assert root.ensure_program("sipp", "sip-tester") == programs / "sipp"


# A tree that looks like the extracted packages; its "loader" is a script that answers `-V`.
BUILD = f"""
echo built >> {{builds}}
for argument; do case "$argument" in */root) tree=$argument;; esac; done
lib=$tree/usr/lib/x86_64-linux-gnu
share=$tree/usr/share/asterisk
/bin/mkdir -p $lib/asterisk/modules $share/sounds/en_US/digits $share/sounds/es_MX/digits $share/moh
/usr/bin/touch $share/moh/song.wav
for module in {" ".join(modules.REQUIRED)}; do /usr/bin/touch $lib/asterisk/modules/$module.so; done
printf '#!/bin/sh\\necho Asterisk 22.1.0\\n' > $lib/ld-linux-x86-64.so.2
/bin/chmod +x $lib/ld-linux-x86-64.so.2
"""


def test_parallel_callers_build_the_root_once_and_share_it(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(root.ENV_MIRROR, "http://mirror.example/debian")
    monkeypatch.setattr(root, "KEYRING", programs)
    monkeypatch.setattr(Path, "is_file", lambda path: path.exists())
    builds = tmp_path / "builds"
    program(programs, "mmdebstrap", BUILD.format(builds=builds))
    found: list[Installation] = []
    threads = [threading.Thread(target=lambda: found.append(root.find_or_build())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builds.read_text() == "built\n"
    assert len(found) == 4
    assert len(set(found)) == 1
    assert found[0].version == (22, 1, 0)
    assert found[0].sounds("es") == found[0].data / "sounds/es_MX"
    assert found[0].sounds("fr") is None


def test_a_failed_build_leaves_nothing_and_says_why(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(root.ENV_MIRROR, "http://mirror.example/debian")
    monkeypatch.setattr(root, "KEYRING", programs)
    monkeypatch.setattr(Path, "is_file", lambda path: path.exists())
    program(programs, "mmdebstrap", "echo 'E: cannot resolve mirror.example'; exit 1")
    with pytest.raises(SetupError, match=r"http://mirror\.example/debian(?s:.*)E: cannot resolve mirror\.example"):
        root.find_or_build()
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []


def test_an_asterisk_that_lacks_something_is_not_used(tmp_path: Path) -> None:
    old = Installation(("asterisk",), (18, 9, 0), tmp_path, tmp_path, "asterisk")
    problems = "; ".join(old.problems())
    for lack in ("older than 20", "chan_pjsip", "sounds", "music"):
        assert lack in problems
