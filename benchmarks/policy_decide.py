"""Decisions per second on typical commands, on one core, and what one decision adds to a tool call.

The commands of a batch differ from each other, so that nothing is answered because it was asked before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from vtcode_tui.common.home import Home
from vtcode_tui.policy import Access, Call, Command, decide, default_situation, load_policy

TYPICAL = """\
git status
git log --oneline -10
git diff HEAD~1 -- src/app.py
git add -A
git commit -m "Fix the parser"
ls -la
cat README.md
head -n 50 src/main.py
rg -n "def main" src
grep -rn TODO --include=*.py .
find . -name '*.py' -not -path './node_modules/*'
sed -n '1,80p' src/app.py
wc -l src/*.py
python -m pytest -q tests/test_app.py
pytest -x -k parser
npm test
npm run build
npx tsc --noEmit
cargo build --release
cargo test -- --nocapture
go test ./...
make -j4 test
ruff check --fix src
mypy src
cd src && ls | head
cat package.json | jq .scripts
mkdir -p build/out && cp a.txt build/out/
git push origin main
pip install requests
rm -rf build
curl https://example.com
sudo apt install jq""".splitlines()


def main() -> None:
    """Print a small table."""
    root = Path.cwd()
    policy, situation = load_policy(Home.from_environment(), None), default_situation(root)

    def once(text: str) -> None:
        call = Call("1", "run_command", {"command": text}, Access(command=Command(text=text)), root)
        decide(call, policy, situation, scopes=False)

    began = time.process_time()
    for text in TYPICAL:
        once(text)
    first = time.process_time() - began
    rounds: list[float] = []
    for _ in range(200):
        began = time.process_time()
        for text in TYPICAL:
            once(text)
        rounds.append((time.process_time() - began) / len(TYPICAL))
    best, usual = min(rounds), median(rounds)
    print(f"first decisions, reading the tables they need     {first * 1000 / len(TYPICAL):8.2f} ms each")
    print(f"one decision, CPU time                           {best * 1e6:8.0f} us best, {usual * 1e6:.0f} median")
    print(f"decisions a second on one core                   {1 / best:8.0f} best, {1 / usual:.0f} median")
    batches = [batch(root) for _ in range(5)]
    print(
        f"`policy check --batch`, commands a second        {max(batches):8.0f} best, {median(batches):.0f} median"
    )


def batch(root: Path, rounds: int = 300) -> float:
    """Commands a second of CPU time that the real command line decides, its start left out."""
    names = ("src", "app", "main", "test", "build", "README", "package")
    lines: list[str] = []
    for number in range(rounds):
        for text in TYPICAL:
            varied = text
            for name in names:
                varied = varied.replace(f"{name}.", f"{name}{number}.")
            lines.append(json.dumps({"command": varied}))
    most = _seconds(root, lines)
    return (len(lines) - len(TYPICAL)) / (most - _seconds(root, lines[: len(TYPICAL)]))


def _seconds(root: Path, lines: list[str]) -> float:
    before = os.times()
    subprocess.run(
        [sys.executable, "-m", "vtcode_tui", "policy", "check", "--batch"],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        cwd=root,
        check=True,
    )
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


if __name__ == "__main__":
    main()
