"""Decisions per second on typical commands, on one core, and what one decision adds to a tool call."""

from __future__ import annotations

import time
from pathlib import Path

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
    rounds = 60
    began = time.process_time()
    for _ in range(rounds):
        for text in TYPICAL:
            once(text)
    each = (time.process_time() - began) / rounds / len(TYPICAL)
    print(f"first decisions, reading every table they need   {first * 1000 / len(TYPICAL):8.2f} ms each")
    print(f"one decision                                     {each * 1e6:8.0f} us")
    print(f"decisions a second on one core                   {1 / each:8.0f}")


if __name__ == "__main__":
    main()
