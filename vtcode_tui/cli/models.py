"""`vtcode models`: which models there are, and loading and unloading local ones."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vtcode_tui.llm.resolve import Models

EXAMPLE = """\
  vtcode models                                  what would answer, and everything that was looked at
  vtcode models list ollama                      the models of one provider
  vtcode models load lmstudio qwen/qwen3-coder-30b --context 65536
  vtcode models unload lmstudio qwen/qwen3-coder-30b"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their words."""
    parser.add_argument("action", nargs="?", choices=("list", "load", "unload"), default="list")
    parser.add_argument("provider", nargs="?", default="", help="lmstudio, ollama, llamacpp, or a name of yours")
    parser.add_argument("model", nargs="?", default="", help="the model to load or unload")
    parser.add_argument("--context", type=int, default=None, metavar="TOKENS", help="the window to load it with")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(given: argparse.Namespace) -> int:
    """List, load or unload."""
    import asyncio
    import os
    from pathlib import Path

    from vtcode_tui.common.errors import UsageError
    from vtcode_tui.common.home import Home
    from vtcode_tui.config import load
    from vtcode_tui.llm import resolve_models

    if given.action != "list" and not (given.provider and given.model):
        raise UsageError(f"say which: vtcode models {given.action} PROVIDER MODEL")
    if given.context is not None and given.context <= 0:
        raise UsageError(f"--context {given.context}: a number of tokens above 0 is needed")
    models = resolve_models(load(Home.from_environment(), Path.cwd()).settings, os.environ)
    match given.action:
        case "load":
            asyncio.run(models.load(given.provider, given.model, given.context))
            _say(given, {"loaded": given.model, "provider": given.provider})
        case "unload":
            asyncio.run(models.unload(given.provider, given.model))
            _say(given, {"unloaded": given.model, "provider": given.provider})
        case _:
            found = asyncio.run(_provider(models, given.provider) if given.provider else _overview(models))
            print(json.dumps(found, ensure_ascii=False, indent=2) if given.json else _text(found))
            return 0 if found.get("answers") or given.provider else 1
    return 0


def _say(given: argparse.Namespace, done: dict[str, str]) -> None:
    if given.json:
        print(json.dumps(done))
    else:
        (verb, model), (_, provider) = done.items()
        print(f"{verb} {provider}/{model}")


async def _provider(models: Models, name: str) -> dict[str, Any]:
    from dataclasses import asdict

    offered = await models.offered(name)
    return {"provider": name, "models": [asdict(model) for model in offered]}


async def _overview(models: Models) -> dict[str, Any]:
    from dataclasses import asdict

    from vtcode_tui.common.errors import ModelError

    answers: list[dict[str, Any]] = []
    problem = ""
    try:
        chain = await models.chain()
        for link in (*chain.links, *chain.withheld):
            answers.append(
                {
                    "model": link.name,
                    "wire": link.endpoint.wire,
                    "host": link.endpoint.host,
                    "data_class": link.endpoint.data_class,
                    "context_window": link.facts.context_window,
                    "window_known": link.facts.known,
                    "price": asdict(link.facts.price) if link.facts.price else None,
                    "withheld": link in chain.withheld,
                }
            )
    except ModelError as error:
        problem = str(error)
    looked = models.looked or await models.look()
    return {
        "answers": answers,
        "problem": problem,
        "usable": list(models.usable()),
        "local": [asdict(place) for place in looked],
    }


def _text(found: dict[str, Any]) -> str:
    from vtcode_tui.render import plain_line

    # The names are a server's words: nothing in them may reach the terminal as a control character.
    return "\n".join(map(plain_line, _lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    if "provider" in found:
        rows = [_row(found["provider"], model) for model in found["models"]]
        return rows or [f"{found['provider']} offers no model"]
    lines = ["answers:"] + [_answer(place, link) for place, link in enumerate(found["answers"])]
    if found["problem"]:
        lines = [f"nothing answers: {found['problem']}"]
    if found["usable"]:
        lines.append(f"keys or settings for: {', '.join(found['usable'])}")
    for place in found["local"]:
        remedy = f"   try: {place['remedy']}" if place["remedy"] else ""
        lines.append(f"{place['title']:<10} {place['url']:<28} {place['state']}{remedy}")
        lines += [f"  {_row(place['provider'], model)}" for model in place["models"]]
    return lines


def _answer(place: int, link: dict[str, Any]) -> str:
    price = link["price"]
    cost = f"${price['input']:g} in, ${price['output']:g} out per million" if price else "price unknown"
    window = f"{link['context_window']:,} tokens" + ("" if link["window_known"] else " (assumed)")
    held = "   withheld: model.cross_data_class is off" if link["withheld"] else ""
    return f"  {place + 1}. {link['model']} ({link['data_class']}, {link['wire']}) {window}, {cost}{held}"


def _row(provider: str, model: dict[str, Any]) -> str:
    about = [model["detail"]]
    if model["loaded"]:
        about.append("loaded")
    if model["context_window"]:
        about.append(f"{model['context_window']:,} tokens")
    elif model["largest_window"]:
        about.append(f"up to {model['largest_window']:,} tokens")
    if model["tools"] is False:
        about.append("no tools")
    return f"{provider}/{model['name']}   {', '.join(filter(None, about))}".rstrip()
