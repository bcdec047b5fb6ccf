"""API keys: what is kept of them, who they let in, and how long."""

import stat
import threading
from pathlib import Path

import pytest

from memento.memory.errors import InvalidInput
from memento.service.errors import KeysUnreadable
from memento.service.keys import KeyStore
from tests.commands import invoke


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "keys.json"


@pytest.fixture
def keys(path: Path) -> KeyStore:
    return KeyStore(path)


def test_a_key_is_found_until_it_is_revoked_and_is_kept_nowhere(keys: KeyStore, path: Path) -> None:
    made = keys.create("alice")
    assert made.secret.startswith("mem_")
    assert len(made.secret) == 47
    found = keys.find(made.secret)
    assert found == made.record
    assert (made.record.name, made.record.namespace) == ("alice", "alice")
    assert made.secret not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.id for one in keys.revoke("alice")] == [made.record.id]
    assert keys.find(made.secret) is None
    assert keys.revoke("alice") == [], "revoked once"


def test_a_key_is_not_found_when_it_is_another_or_has_expired(keys: KeyStore) -> None:
    made = keys.create("alice", days=1e-9)
    for secret in (made.secret, made.secret[:-1], made.secret + "A", "mem_" + "A" * 43, "", "mem_", made.record.sha256):
        assert keys.find(secret) is None, secret
    (record,) = keys.records()
    assert record.expires_at is not None
    assert record.state(record.expires_at) == "expired"


def test_a_second_key_of_a_user_is_for_the_same_namespace(keys: KeyStore) -> None:
    first = keys.create("alice", namespace="team")
    second = keys.create("alice")
    assert second.record.namespace == "team"
    assert (keys.namespace_of("alice"), keys.namespace_of("bob"), keys.namespace_of(first.record.id)) == (
        "team",
        "",
        "",
    )
    with pytest.raises(InvalidInput, match="alice has keys for namespace 'team'"):
        keys.create("alice", namespace="other")
    keys.revoke(first.record.id)
    keys.revoke(second.record.id)
    assert keys.namespace_of("alice") == ""
    assert keys.create("alice", namespace="other").record.namespace == "other"


@pytest.mark.parametrize("name", ["", "a b", "jwt:alice", "../x", "a" * 200, "-", "\n"])
def test_a_key_is_refused_when_its_user_has_no_proper_name(keys: KeyStore, name: str) -> None:
    with pytest.raises(InvalidInput, match="a key's user"):
        keys.create(name)


def test_a_key_is_refused_when_namespace_or_age_makes_no_sense(keys: KeyStore) -> None:
    with pytest.raises(InvalidInput, match="a namespace has"):
        keys.create("alice", namespace=" ")
    for days in (0, -1, 1e9, float("nan")):
        with pytest.raises(InvalidInput, match="expires after"):
            keys.create("alice", days=days)
    with pytest.raises(InvalidInput, match="no key has the id"):
        keys.revoke("nobody")


@pytest.mark.parametrize("content", [b"", b"{", b'{"keys": [{}]}', b"\xff", b"[]"])
def test_nobody_is_let_in_while_the_file_is_damaged(keys: KeyStore, path: Path, content: bytes) -> None:
    made = keys.create("alice")
    path.write_bytes(content)
    with pytest.raises(KeysUnreadable, match=r"keys\.json cannot be read"):
        keys.find(made.secret)
    with pytest.raises(KeysUnreadable):
        keys.create("bob")
    assert path.read_bytes() == content, "nothing is overwritten"


def test_a_store_sees_what_another_process_changes(path: Path) -> None:
    one, other = KeyStore(path), KeyStore(path)
    assert one.find("mem_" + "A" * 43) is None
    made = other.create("alice")
    assert one.find(made.secret) is not None
    other.revoke("alice")
    assert one.find(made.secret) is None


def test_no_key_is_lost_when_many_are_made_at_once(path: Path) -> None:
    threads = [threading.Thread(target=KeyStore(path).create, args=(f"user{n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {one.name for one in KeyStore(path).records()} == {f"user{n}" for n in range(12)}
    assert not list(path.parent.glob("*.new"))


def test_keys_are_made_listed_and_revoked_by_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEMENTO_HOME", str(tmp_path / "home"))
    assert "there are no keys" in invoke("keys", "list").err
    made = invoke("keys", "create", "alice", "--namespace", "team", "--expires", "30", "--json").lines[0]
    store = KeyStore(tmp_path / "home" / "keys.json")
    assert store.find(made["key"]) is not None
    done = invoke("keys", "list", "--json")
    assert done.lines[0]["state"] == "active"
    assert "sha256" not in done.out
    assert made["key"] not in done.out
    assert "alice" in invoke("keys", "list").out
    plain = invoke("keys", "create", "bob")
    assert store.find(plain.out.strip()) is not None, "stdout has the key alone"
    assert invoke("keys", "revoke", made["id"], "--json").lines[0]["state"] == "revoked"
    assert store.find(made["key"]) is None
    unknown = invoke("keys", "revoke", "nobody")
    assert (unknown.code, "no key has the id" in unknown.err) == (2, True)
