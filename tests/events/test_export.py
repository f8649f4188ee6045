"""Every format, for every type of event; what other people's parsers say of it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from jsonschema import Draft202012Validator
from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from vtcode_tui.events import event_of, line_of
from vtcode_tui.events.examples import events
from vtcode_tui.events.export import FORMATS, converter
from vtcode_tui.events.export.form import export
from vtcode_tui.events.types import PAYLOADS


def exported(name: str) -> list[str]:
    form = converter(name)
    return [line for event in events() for line in form.feed(event, line_of(event))] + list(form.finish())


def test_there_is_an_example_of_every_type_of_event() -> None:
    assert {event.type for event in events()} == set(PAYLOADS)


def test_an_event_read_back_is_the_event_that_was_written() -> None:
    for event in events():
        assert event_of(line_of(event)) == event


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_takes_every_type_of_event(name: str) -> None:
    lines = exported(name)
    assert lines
    assert all("\n" not in line for line in lines) or name == "atif"


@pytest.mark.parametrize("name", ["ocsf", "ecs", "hec", "jsonl", "otlp"])
def test_lines_of_json_carry_the_native_line_so_that_the_chain_can_be_checked(name: str) -> None:
    head, checked = "0" * 64, 0
    natives = [line_of(event) for event in events()]
    for line in exported(name):
        for raw in natives:
            if json.dumps(raw.decode(), ensure_ascii=False) in line or raw.decode() in line:
                checked += 1
                assert json.loads(line)
                break
    assert checked >= (len(natives) - 1 if name == "ocsf" else len(natives))
    for raw in natives:
        assert json.loads(raw)["prev"] == head
        head = hashlib.sha256(raw).hexdigest()


@cache
def ocsf() -> dict[str, Any]:
    """OCSF 1.8.0: megabytes of JSON."""
    schema: dict[str, Any] = get_ocsf_schema(version="1.8.0")
    return schema


@cache
def ocsf_validator(name: str, profiles: tuple[str, ...]) -> Draft202012Validator:
    """A class of it with these profiles as JSON Schema, as the package ocsf-json-schema makes it."""
    schema = OcsfJsonSchemaEmbedded(ocsf()).get_class_schema(name, profiles=list(profiles))
    return Draft202012Validator(schema)


def ocsf_problems(event: dict[str, Any]) -> list[str]:
    """What the schema says against an event; fields that it does not know included."""
    classes = ocsf()["classes"]
    name = next(key for key, one in classes.items() if one.get("uid") == event["class_uid"] and "/" not in key)
    validator = ocsf_validator(name, tuple(event["metadata"].get("profiles", ())))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(event)]


def test_ocsf_events_are_what_the_schema_says() -> None:
    for line in exported("ocsf"):
        assert ocsf_problems(json.loads(line)) == []


@pytest.mark.parametrize(
    "change", [{"tool": 1}, {"activity_id": 77}, {"severity_id": "high"}, {"class_uid": 1007}, {"metadata": {}}]
)
def test_the_ocsf_schema_notices_what_is_wrong(change: dict[str, Any]) -> None:
    assert ocsf_problems(json.loads(exported("ocsf")[0]) | change)


ECS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "ecs-9.4.0.json").read_text())
ECS_TYPES: dict[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "date": (str,),
    "float": (int, float),
    "integer": (int,),
    "long": (int,),
    "scaled_float": (int, float),
    "flattened": (dict,),
    "object": (dict,),
}


def ecs_problems(value: Any, name: str = "") -> Iterator[str]:
    """What ECS 9.4.0 says against a document: fields, types, arrays, allowed values."""
    known = ECS.get(name) if name else None
    if isinstance(value, dict) and (known is None or known["type"] not in {"object", "flattened"}):
        for key, one in value.items():
            yield from ecs_problems(one, f"{name}.{key}" if name else key)
        return
    if name.startswith("labels."):
        return
    if known is None:
        yield f"{name} is not a field"
        return
    if known.get("array", False) != isinstance(value, list):
        yield f"{name} is {'' if known.get('array') else 'not '}an array"
    for one in value if isinstance(value, list) else [value]:
        if type(one) not in ECS_TYPES.get(known["type"], (str,)):
            yield f"{name} is {one!r} and should be {known['type']}"
        if "allowed" in known and one not in known["allowed"]:
            yield f"{name} may not be {one!r}"


def test_ecs_documents_are_what_the_schema_says() -> None:
    for line in exported("ecs"):
        document = json.loads(line)
        assert list(ecs_problems(document)) == []
        expected = {
            kind
            for category in document["event"].get("category", ())
            for kind in ECS["event.category"]["allowed"][category] or ()
        }
        assert set(document["event"]["type"]) <= expected, document["event"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"tool": 1}, "tool is not a field"),
        ({"@timestamp": 7}, "should be date"),
        ({"event": {"category": ["hacking"]}}, "may not be"),
        ({"process": {"pid": "1"}}, "should be long"),
        ({"process": {"args": "ls"}}, "an array"),
    ],
)
def test_the_ecs_schema_notices_what_is_wrong(change: dict[str, Any], said: str) -> None:
    assert any(said in problem for problem in ecs_problems(json.loads(exported("ecs")[0]) | change))


def test_otlp_is_what_the_protocol_buffers_say() -> None:
    def in_base64(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: base64.b64encode(bytes.fromhex(one)).decode()
                if key in {"traceId", "spanId", "parentSpanId"}
                else in_base64(one)
                for key, one in value.items()
            }
        return [in_base64(one) for one in value] if isinstance(value, list) else value

    kinds = set()
    for line in exported("otlp"):
        request = in_base64(json.loads(line))
        into = ExportLogsServiceRequest() if "resourceLogs" in request else ExportTraceServiceRequest()
        json_format.ParseDict(request, into)
        kinds.add(type(into))
        with pytest.raises(json_format.ParseError):
            json_format.ParseDict(request | {"resourceLog": []}, into)
    assert len(kinds) == 2


def test_otlp_spans_form_one_tree() -> None:
    spans = [
        span
        for line in exported("otlp")
        for resource in json.loads(line).get("resourceSpans", [])
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]
    root = [span for span in spans if "parentSpanId" not in span]
    assert [span["name"] for span in root] == ["invoke_agent vtcode"]
    assert {span["parentSpanId"] for span in spans if span not in root} == {root[0]["spanId"]}
    assert {span["name"] for span in spans} == {"invoke_agent vtcode", "chat claude", "execute_tool run_command"}
    assert len({span["traceId"] for span in spans}) == 1


_5424 = re.compile(
    r"<(\d{1,3})>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([!-~]{1,255}) ([!-~]{1,48}) ([!-~]{1,128}) "
    r'([!-~]{1,32}) (\[[!-~]{1,32}(?: [!-~]{1,32}="(?:[^"\\\]]|\\["\\\]])*")*\]) (.*)'
)


def test_syslog_lines_follow_the_grammar_and_carry_the_native_line() -> None:
    for event, line in zip(events(), exported("rfc5424"), strict=True):
        found = _5424.fullmatch(line)
        assert found, line
        assert found[8].encode() == line_of(event)
        assert int(found[1]) // 8 == 13


def test_cef_lines_follow_the_grammar() -> None:
    for line in exported("cef"):
        head = re.split(r"(?<!\\)\|", line, maxsplit=7)
        assert (head[0], len(head)) == ("CEF:0", 8)
        assert 0 <= int(head[6]) <= 10
        assert re.fullmatch(r"(?:[A-Za-z0-9]+=(?:[^=\\]|\\.)*?(?: |$))+", head[7]), head[7]


def test_atif_is_a_trajectory_of_numbered_steps() -> None:
    document = json.loads(exported("atif")[0])
    steps = document["steps"]
    assert [step["step_id"] for step in steps] == list(range(1, len(steps) + 1))
    assert [step["source"] for step in steps] == ["user", "agent", "agent", "system"]
    agent, partial = steps[1:3]
    assert (partial["message"], partial["extra"]["partial"]) == ("The tests pass, so I", "stopped by the person")
    assert agent["reasoning_content"] == "A test fails; I look at it."
    assert agent["tool_calls"][0]["tool_call_id"] == agent["observation"]["results"][0]["source_call_id"]
    assert all(
        not ({"metrics", "tool_calls", "model_name"} & step.keys()) for step in steps if step["source"] != "agent"
    )


def test_an_export_since_a_time_leaves_out_what_is_older(session: Callable[..., Path]) -> None:
    folder = session()
    every = list(export(folder, converter("jsonl")))
    assert len(list(export(folder, converter("jsonl"), since=json.loads(every[5])["time"]))) <= len(every)
    assert list(export(folder, converter("jsonl"), since="9999")) == []
