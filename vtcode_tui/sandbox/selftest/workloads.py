"""Everyday work of developers: it behaves in the sandbox as it does without one.

A workload is a shell script that fails (`set -e`) when something does not work. One whose program is missing on
the machine is skipped.
"""

# ruff: noqa: E501 - scripts are kept whole

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vtcode_tui.common.errors import SandboxError
from vtcode_tui.sandbox.profile import Limits, Profile, Staging
from vtcode_tui.sandbox.spawner import Spawner

Verdict = Literal["works", "broken", "skipped"]
_MODULE = "vtcode_tui.sandbox.selftest.runner"


@dataclass(frozen=True, slots=True)
class Workload:
    """A script, the programs it needs, and the tiers that are known not to carry it."""

    name: str
    needs: tuple[str, ...]
    script: str
    not_in: frozenset[str] = frozenset()


def _w(name: str, needs: str, script: str, *, not_in: str = "") -> Workload:
    return Workload(name, tuple(needs.split()), script, frozenset(not_in.split()))


_ID = "export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e@x GIT_COMMITTER_NAME=n GIT_COMMITTER_EMAIL=e@x"
_REPO = f"{_ID}; git init -q -b main r; cd r; echo a > a; git add a; git commit -qm one"
_C = "printf '#include <stdio.h>\\nint main(void){puts(\"hi\");return 0;}\\n' > a.c"
_HERE = Path(__file__).parent
_ASK = f"python3 {_HERE}/language_client.py"
_PAGE = f"python3 {_HERE}/page_script.py"
_PY = "printf 'import os\\ndef two():\\n    return 2\\nprint(two())\\n' > a.py"

WORKLOADS = (
    _w("git init and commit", "git", _REPO),
    _w("git status", "git", f"{_REPO}; echo b >> a; test \"$(git status --porcelain)\" = ' M a'"),
    _w("git diff", "git", f"{_REPO}; echo b >> a; git diff | grep -q '+b'"),
    _w("git log", "git", f"{_REPO}; git log --oneline | grep -q one"),
    _w("git branch and merge", "git", f"{_REPO}; git checkout -qb x; echo x > x; git add x; git commit -qm x; git checkout -q main; git merge -q x; test -f x"),
    _w("git rebase", "git", f"{_REPO}; git checkout -qb x; echo x > x; git add x; git commit -qm x; git checkout -q main; echo y > y; git add y; git commit -qm y; git checkout -q x; git rebase -q main; test -f y"),
    _w("git stash", "git", f"{_REPO}; echo b >> a; git stash -q; git stash pop -q; grep -q b a"),
    _w("git worktree", "git", f"{_REPO}; git worktree add -q ../t; test -f ../t/a"),
    _w("git clone of a folder", "git", f"{_REPO}; cd ..; git clone -q r c; test -f c/a"),
    _w("git submodule", "git", f"{_REPO}; cd ..; git init -q -b main s; cd s; git -c protocol.file.allow=always submodule --quiet add ../r m; git commit -qm s; test -f m/a"),
    _w("git bisect", "git", f"{_REPO}; for i in 1 2 3; do echo $i > a; git commit -qam $i; done; git bisect start -q HEAD HEAD~3 >/dev/null; git bisect run true >/dev/null || true; git bisect reset >/dev/null 2>&1"),
    _w("git grep and blame", "git", f"{_REPO}; git grep -q a; git blame a | grep -q n"),
    _w("git apply", "git", f"{_REPO}; echo b > a; git diff > p; git checkout -q a; git apply p; grep -q b a"),
    _w("git gc", "git", f"{_REPO}; git gc -q; git fsck >/dev/null"),
    _w("git bundle", "git", f"{_REPO}; git bundle create -q b main; git bundle verify -q b"),
    _w("git archive", "git", f"{_REPO}; git archive HEAD | tar -t | grep -q a"),
    _w("git cherry-pick", "git", f"{_REPO}; git checkout -qb x; echo x > x; git add x; git commit -qm x; git checkout -q main; git cherry-pick x >/dev/null; test -f x"),
    _w("git tag", "git", f"{_REPO}; git tag -a v1 -m v1; git describe | grep -q v1"),
    _w("python", "python3", "python3 -c 'print(1)'"),
    _w("python writes byte code", "python3", "echo 'x=1' > m.py; python3 -c 'import m'; ls __pycache__ | grep -q m"),
    _w("python venv", "python3", "python3 -m venv --without-pip v; v/bin/python -c 'import sys; assert sys.prefix != sys.base_prefix'"),
    _w("python unittest", "python3", "printf 'import unittest\\nclass T(unittest.TestCase):\\n def test(self): self.assertTrue(1)\\n' > test_x.py; python3 -m unittest -q"),
    _w("python asyncio", "python3", "python3 -c 'import asyncio; asyncio.run(asyncio.sleep(0))'"),
    _w("python asyncio subprocess", "python3", "python3 -c 'import asyncio\nasync def m():\n p=await asyncio.create_subprocess_exec(\"true\"); assert await p.wait()==0\nasyncio.run(m())'"),
    _w("python multiprocessing pool", "python3", "python3 -c 'import multiprocessing as m; assert m.Pool(2).map(abs,[-1])==[1]'"),
    _w("python multiprocessing spawn", "python3", "printf 'import multiprocessing as m\\ndef f(q): q.put(1)\\nif __name__==\"__main__\":\\n c=m.get_context(\"spawn\"); q=c.Queue(); p=c.Process(target=f,args=(q,)); p.start(); assert q.get()==1; p.join()\\n' > s.py; python3 s.py"),
    _w("python shared memory", "python3", "python3 -c 'from multiprocessing import shared_memory as s; m=s.SharedMemory(create=True,size=99); m.buf[0]=1; m.close(); m.unlink()'"),
    _w("python process pool executor", "python3", "python3 -c 'from concurrent.futures import ProcessPoolExecutor as P; assert list(P(2).map(abs,[-1]))==[1]'"),
    _w("python semaphore", "python3", "python3 -c 'import multiprocessing as m; m.Semaphore(1).acquire()'"),
    _w("python threads", "python3", "python3 -c 'import threading as t; x=[t.Thread(target=print) for _ in range(20)]; [y.start() for y in x]; [y.join() for y in x]'"),
    _w("python tempfile", "python3", "python3 -c 'import tempfile; f=tempfile.NamedTemporaryFile(); f.write(b\"x\"); tempfile.mkdtemp()'"),
    _w("python sqlite", "python3", "python3 -c 'import sqlite3; c=sqlite3.connect(\"d.db\"); c.execute(\"create table t(x)\"); c.execute(\"pragma journal_mode=wal\"); c.execute(\"insert into t values(1)\"); c.commit()'"),
    _w("python pty", "python3", "python3 -c 'import pty,os; p,f=pty.fork(); (os.write(1,b\"x\"), os._exit(0)) if p==0 else (os.read(f,9), os.waitpid(p,0))'"),
    _w("python http server on loopback", "python3", "python3 -c 'import http.server as h,threading,urllib.request as u\ns=h.HTTPServer((\"127.0.0.1\",0),h.SimpleHTTPRequestHandler); threading.Thread(target=s.serve_forever,daemon=True).start()\nassert u.urlopen(\"http://127.0.0.1:%d/\"%s.server_port).status==200' 2>/dev/null"),
    _w("python server on IPv6 loopback", "python3", "python3 -c 'import socket as s; l=s.create_server((\"::1\",0),family=s.AF_INET6); s.create_connection(l.getsockname()[:2])'"),
    _w("python server by the name localhost", "python3", "python3 -c 'import socket as s; l=s.create_server((\"localhost\",0)); s.create_connection((\"localhost\",l.getsockname()[1]))'"),
    _w("python UDP on loopback", "python3", "python3 -c 'import socket as s; a=s.socket(2,2); a.bind((\"127.0.0.1\",0)); s.socket(2,2).sendto(b\"x\",a.getsockname()); assert a.recv(9)==b\"x\"'", not_in="kernel"),
    _w("python unix server", "python3", "python3 -c 'import socket as s; l=s.socket(1); l.bind(\"s\"); l.listen(); s.socket(1).connect(\"s\")'"),
    _w("python unix server in temp", "python3", "python3 -c 'import socket as s,tempfile; p=tempfile.mkdtemp()+\"/s\"; l=s.socket(1); l.bind(p); l.listen(); s.socket(1).connect(p)'"),
    _w("python socketpair", "python3", "python3 -c 'import socket as s; a,b=s.socketpair(); a.send(b\"x\"); assert b.recv(1)==b\"x\"'"),
    _w("python asyncio server", "python3", "python3 -c 'import asyncio\nasync def m():\n s=await asyncio.start_server(lambda r,w: w.close(),\"127.0.0.1\",0)\n await asyncio.open_connection(*s.sockets[0].getsockname())\nasyncio.run(m())'"),
    _w("python sendfile and copy", "python3", "python3 -c 'import shutil; open(\"a\",\"w\").write(\"x\"*99999); shutil.copyfile(\"a\",\"b\")'"),
    _w("python mmap", "python3", "python3 -c 'import mmap; f=open(\"m\",\"w+b\"); f.truncate(4096); m=mmap.mmap(f.fileno(),0); m[0]=1; m.flush()'"),
    _w("python locks files", "python3", "python3 -c 'import fcntl; f=open(\"l\",\"w\"); fcntl.flock(f,2); fcntl.lockf(f,2)'"),
    _w("python signals itself", "python3", "python3 -c 'import os,signal; signal.signal(10,lambda *a: None); os.kill(os.getpid(),10)'"),
    _w("python signals a child", "python3", "python3 -c 'import subprocess as s; p=s.Popen([\"sleep\",\"9\"]); p.terminate(); assert p.wait()==-15'"),
    _w("python nice and affinity", "python3", "python3 -c 'import os; n=os.nice(1); os.sched_setaffinity(0,os.sched_getaffinity(0)); os.setpriority(0,os.getpid(),n)'"),
    _w("python inotify", "python3", "python3 -c 'import ctypes; l=ctypes.CDLL(None); i=l.inotify_init1(0); assert l.inotify_add_watch(i,b\".\",0xfff)>0'"),
    _w("python getpass and pwd", "python3", "python3 -c 'import pwd,os,getpass; pwd.getpwuid(os.getuid()); os.path.expanduser(\"~\")'"),
    _w("python ssl context", "python3", "python3 -c 'import ssl; ssl.create_default_context()'"),
    _w("python time zone", "python3", "python3 -c 'import time; time.localtime(); time.tzset()'"),
    _w("python cpu count", "python3", "python3 -c 'import os; assert os.cpu_count()'"),
    _w("python platform", "python3", "python3 -c 'import platform; platform.platform(); platform.freedesktop_os_release()'"),
    _w("gcc", "gcc", f"{_C}; gcc a.c -o a; ./a | grep -q hi"),
    _w("gcc -pipe -O2 -g", "gcc", f"{_C}; gcc -pipe -O2 -g a.c -o a; ./a"),
    _w("gcc shared library", "gcc", "echo 'int f(void){return 7;}' > l.c; gcc -shared -fPIC l.c -o l.so; python3 -c 'import ctypes; assert ctypes.CDLL(\"./l.so\").f()==7'"),
    _w("g++", "g++", "echo '#include <iostream>\nint main(){std::cout<<1;}' > a.cc; g++ a.cc -o a; ./a | grep -q 1"),
    _w("ar and ld", "gcc ar", "echo 'int f(void){return 7;}' > l.c; gcc -c l.c; ar rcs l.a l.o; nm l.a | grep -q f"),
    _w("make -j", "make gcc", f"{_C}; printf 'a: a.c\\n\\tgcc a.c -o a\\nb:\\n\\ttouch b\\nall: a b\\n' > Makefile; make -s -j4 all; test -f a -a -f b"),
    _w("make with a fifo job server", "make", "printf 'all: x y\\nx:\\n\\t@$(MAKE) -s z\\ny:\\n\\t@true\\nz:\\n\\t@true\\n' > Makefile; make -s -j2"),
    _w("cmake", "cmake make gcc", f"{_C}; printf 'cmake_minimum_required(VERSION 3.10)\\nproject(p C)\\nadd_executable(a a.c)\\n' > CMakeLists.txt; cmake -S . -B b >/dev/null; cmake --build b >/dev/null; b/a"),
    _w("node", "node", "node -e 'console.log(1)'"),
    _w("node reads and writes", "node", "node -e 'const f=require(\"fs\"); f.writeFileSync(\"x\",\"1\"); f.mkdtempSync(require(\"os\").tmpdir()+\"/x\")'"),
    _w("node worker threads", "node", "node -e 'const {Worker}=require(\"worker_threads\"); new Worker(\"1\",{eval:true}).on(\"exit\",c=>process.exit(c))'"),
    _w("node child processes", "node", "node -e 'require(\"child_process\").execSync(\"true\"); require(\"child_process\").fork(\"-e\",[\"0\"],{stdio:\"ignore\"})'"),
    _w("node memory usage", "node", "node -e 'process.memoryUsage(); require(\"os\").cpus(); require(\"os\").networkInterfaces' "),
    _w("node http server", "node", "node -e 'const h=require(\"http\"); const s=h.createServer((q,r)=>r.end(\"x\")).listen(0,\"127.0.0.1\",()=>h.get({port:s.address().port,host:\"127.0.0.1\"},r=>{r.resume(); process.exit(0)}))'"),
    _w("node watches files", "node", "node -e 'const f=require(\"fs\"); const w=f.watch(\".\",()=>process.exit(0)); setTimeout(()=>f.writeFileSync(\"y\",\"1\"),50)'"),
    _w("node test runner", "node", "echo 'require(\"node:test\")(\"x\",()=>{})' > x.test.js; node --test >/dev/null"),
    _w("npm test", "npm", "echo '{\"name\":\"x\",\"version\":\"1.0.0\",\"scripts\":{\"test\":\"node -e 0\"}}' > package.json; npm test --silent"),
    _w("npm pack", "npm", "echo '{\"name\":\"x\",\"version\":\"1.0.0\"}' > package.json; npm pack --silent >/dev/null"),
    _w("cargo build", "cargo", "cargo init -q --name x --vcs none . && cargo build -q --offline && ./target/debug/x | grep -q Hello"),
    _w("cargo test", "cargo", "cargo init -q --lib --name x --vcs none . && cargo test -q --offline >/dev/null"),
    _w("rustc", "rustc", "echo 'fn main(){println!(\"x\")}' > a.rs; rustc a.rs; ./a"),
    _w("go build", "go", "go mod init x 2>/dev/null; printf 'package main\\nfunc main(){}\\n' > m.go; go build -o x .; ./x"),
    _w("java", "javac java", "echo 'public class A{public static void main(String[] a){System.out.println(1);}}' > A.java; javac A.java; java A"),
    _w("ruby", "ruby", "ruby -e 'puts 1'"),
    _w("perl", "perl", "perl -e 'open F,\">x\"; print F 1; close F; fork ? wait : exit'"),
    _w("tar and gzip", "tar gzip", "mkdir d; echo x > d/f; tar -czf d.tgz d; rm -r d; tar -xzf d.tgz; test -f d/f"),
    _w("cp -a and rsync style", "cp", "mkdir d; echo x > d/f; chmod 640 d/f; touch -d 2001-01-01 d/f; cp -a d e; test \"$(stat -c %a%Y d/f)\" = \"$(stat -c %a%Y e/f)\""),
    _w("install -m", "install", "echo x > f; install -m 755 f g; test -x g"),
    _w("ln and readlink", "ln", "echo x > f; ln -s f g; ln f h; test \"$(readlink g)\" = f -a \"$(stat -c %h f)\" = 2"),
    _w("find and xargs", "find xargs", "mkdir d; touch d/1 d/2; find . -type f -print0 | xargs -0 ls >/dev/null"),
    _w("sed -i and awk", "sed awk", "echo a > f; sed -i s/a/b/ f; awk '/b/{f=1}END{exit !f}' f"),
    _w("sort of much", "sort", "seq 200000 | sort -R | sort -n -S 1M -T \"$TMPDIR\" | tail -1 | grep -q 200000"),
    _w("grep -r", "grep", "mkdir d; echo needle > d/f; grep -rq needle ."),
    _w("rg", "rg", "mkdir d; echo needle > d/f; rg -q needle ."),
    _w("patch", "patch", "echo a > f; printf -- '--- f\\n+++ f\\n@@ -1 +1 @@\\n-a\\n+b\\n' | patch -s; grep -q b f"),
    _w("mktemp", "mktemp", "f=$(mktemp); echo x > $f; d=$(mktemp -d); touch $d/x; t=$(mktemp -p .); test -f $t"),
    _w("mktemp in /tmp", "mktemp", "f=$(mktemp /tmp/xxxxXXXX); echo x > $f", not_in="kernel"),
    _w("/dev/shm", "sh", "echo x > /dev/shm/vt$$; cat /dev/shm/vt$$ >/dev/null; rm /dev/shm/vt$$"),
    _w("/dev/null, zero, urandom, tty names", "head", "head -c9 /dev/urandom >/dev/null; head -c9 /dev/zero >/dev/null; echo x > /dev/stderr; cat /dev/stdin </dev/null"),
    _w("bash process substitution", "bash", "diff <(echo a) <(echo a); cat <<< x >/dev/null"),
    _w("bash background jobs", "bash", "sleep 0.01 & wait $!; (true) & wait; trap 'x=1' USR1; kill -USR1 $$; test $x = 1"),
    _w("bash ulimit and umask", "bash", "ulimit -n 100; umask 027; touch f; test $(stat -c %a f) = 640"),
    _w("timeout and nohup", "timeout", "timeout 5 true; nohup true >/dev/null 2>&1; setsid true"),
    _w("fifo", "mkfifo", "mkfifo p; echo x > p & cat p >/dev/null; wait"),
    _w("ps, free, df, nproc, uname, id", "ps free df", "ps >/dev/null; free >/dev/null; df . >/dev/null; nproc >/dev/null; uname -a >/dev/null; id >/dev/null; hostname >/dev/null"),
    _w("date, locale, getent", "getent", "date >/dev/null; locale >/dev/null; getent passwd $(id -u) >/dev/null; getent hosts localhost >/dev/null"),
    _w("cache folder", "sh", "mkdir -p ~/.cache/x; echo x > ~/.cache/x/y; mkdir -p \"$XDG_CACHE_HOME/z\"; echo x > ~/.hidden; mkdir -p ~/.config/x"),
    _w("vim without a screen", "vim", "echo a > f; vim -es -u NONE -c '%s/a/b/' -c wq f </dev/null; grep -q b f"),
    _w("script", "script", "script -qec true /dev/null </dev/null >/dev/null"),
    _w("tmux", "tmux", "tmux -L x -f /dev/null new-session -d 'sleep 1'; tmux -L x kill-server"),
    _w("zip", "zip unzip", "echo x > f; zip -q z f; rm f; unzip -q z; test -f f"),
    _w("sqlite3", "sqlite3", "sqlite3 d.db 'create table t(x); insert into t values(1)'"),
    _w("openssl", "openssl", "openssl rand -hex 8 >/dev/null; echo x | openssl dgst -sha256 >/dev/null"),
    _w("curl says that there is no network", "curl", "! curl -s -m 3 http://example.com/ >/dev/null"),
    _w("pip without a network fails clearly", "pip", "! pip download -q --no-deps --retries 0 attrs >/dev/null 2>e; grep -qi 'no matching\\|connection\\|network\\|resolve' e"),
    _w("long path and many files", "bash", "p=$(printf 'd%.0s/' {1..60}); mkdir -p $p; for i in {1..500}; do : > f$i; done; rm -r d f*"),
    _w("file times and extended attributes", "touch", "touch f; touch -d 2001-01-01 f; python3 -c 'import os; os.setxattr(\"f\",\"user.x\",b\"y\")'"),
    _w("rename folders", "mv", "mkdir -p a/b; mv a c; mv c/b .; test -d b"),
    _w("move and link between folders", "python3", "mkdir -p a/c b; echo x > a/f; python3 -c 'import os; os.rename(\"a/f\",\"b/g\"); os.link(\"b/g\",\"a/h\"); os.rename(\"a/c\",\"b/c\")'; test -f a/h -a -d b/c"),
    _w("execute a script of the workspace", "sh", "printf '#!/bin/sh\\nexit 0\\n' > s; chmod +x s; ./s"),
    _w("/proc/self", "cat", "cat /proc/self/status /proc/self/maps /proc/cpuinfo /proc/meminfo /proc/loadavg /proc/self/cgroup >/dev/null"),
    _w("git rebase -i", "git", f"{_REPO}; for i in 1 2 3; do git commit -q --allow-empty -m $i; done; GIT_SEQUENCE_EDITOR='sed -i 2s/pick/fixup/' git rebase -q -i HEAD~3; test $(git rev-list --count HEAD) = 3"),
    _w("git bisect run", "git", f"{_REPO}; for i in 1 2 3; do echo $i > a; git commit -qam $i; done; git bisect start HEAD HEAD~3 >/dev/null; git bisect run sh -c 'test $(cat a) != 3' | grep -q 'is the first bad commit'"),
    _w("git commit signed with ssh-keygen", "git ssh-keygen", f"ssh-keygen -q -t ed25519 -N '' -f k; {_REPO}; git -c gpg.format=ssh -c user.signingkey=../k commit -q --allow-empty -S -m s; git cat-file -p HEAD | grep -q 'BEGIN SSH'"),
    _w("git daemon on loopback", "git", f"{_REPO}; cd ..; git daemon --base-path=. --export-all --listen=127.0.0.1 --port=9418 2>/dev/null & for i in {{1..500}}; do git clone -q git://127.0.0.1/r c 2>/dev/null && break; done; kill %1; test -f c/a"),
    _w("git lfs", "git-lfs", f"{_REPO}; git lfs track '*.bin' >/dev/null; echo x > x.bin; git add .; git commit -qm l; git show HEAD:x.bin | grep -q git-lfs; rm x.bin; git checkout -q x.bin; grep -q x x.bin"),
    _w("hg", "hg", "hg init h; cd h; echo a > a; hg add a; hg commit -u n -m a; hg log | grep -q a"),
    _w("svn", "svnadmin svn", "svnadmin create s; svn checkout -q file://$PWD/s c; cd c; echo a > a; svn add -q a; svn commit -q -m one; svn update -q"),
    _w("gpg with a home of its own", "gpg", "export GNUPGHOME=$PWD; chmod 700 .; gpg --batch -q --passphrase '' --quick-gen-key a@b; echo x > m; gpg --batch -q -s m; gpg -q --verify m.gpg 2>/dev/null; gpgconf --kill all"),
    _w("rsync", "rsync", "mkdir a; echo x > a/f; ln -s f a/l; rsync -aHAX a/ b/; rsync -a --delete a/ b/; test -f b/f"),
    _w("node cluster", "node", "echo 'const c=require(\"cluster\"),h=require(\"http\"); if(c.isPrimary){c.fork().on(\"listening\",a=>h.get({host:\"127.0.0.1\",port:a.port},r=>{r.resume(); r.on(\"end\",()=>process.exit(0))}))}else h.createServer((q,r)=>r.end()).listen(0,\"127.0.0.1\")' > c.js; node c.js"),
    _w("cargo build script", "cargo", "cargo init -q --name x --vcs none .; echo 'fn main(){std::fs::write(std::env::var(\"OUT_DIR\").unwrap()+\"/g.rs\",\"fn g(){}\").unwrap();}' > build.rs; echo 'include!(concat!(env!(\"OUT_DIR\"),\"/g.rs\")); fn main(){g()}' > src/main.rs; cargo build -q --offline; touch src/main.rs; cargo build -q --offline"),
    _w("ninja and ctest", "cmake ninja gcc", f"{_C}; printf 'cmake_minimum_required(VERSION 3.10)\\nproject(p C)\\nenable_testing()\\nadd_executable(a a.c)\\nadd_test(t a)\\n' > CMakeLists.txt; cmake -G Ninja -S . -B b >/dev/null; ninja -C b >/dev/null; cd b; ctest -Q"),
    _w("meson", "meson ninja gcc", f"{_C}; printf 'project(\"p\",\"c\")\\ntest(\"t\",executable(\"a\",\"a.c\"))\\n' | tr '\"' \"'\" > meson.build; meson setup b >/dev/null; meson test -C b >/dev/null"),
    _w("ccache", "ccache gcc", f"{_C}; ccache gcc -c a.c; ccache gcc -c a.c; ccache -s | grep -q 'Hits: *1'"),
    _w("php finds its extensions", "php", "php --ini | grep -q '^Loaded.*php.ini'; php -m | grep -q PDO"),
    _w("rspec", "rspec", "mkdir spec; echo 'RSpec.describe(1) { it(\"x\") { expect(1).to eq 1 } }' > spec/a_spec.rb; rspec >/dev/null"),
    _w("redis", "redis-server redis-cli", "redis-server --port 6390 --bind 127.0.0.1 >/dev/null & for i in {1..500}; do redis-cli -p 6390 ping 2>/dev/null | grep -q PONG && break; done; redis-cli -p 6390 set a 1 >/dev/null; redis-cli -p 6390 shutdown; wait; test -f dump.rdb"),
    _w("nginx as one process", "nginx curl", "echo hi > index.html; printf \"user root root; master_process off; daemon off; pid n.pid; error_log stderr; events{} http{ access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5; include /etc/nginx/mime.types; server{ listen 127.0.0.1:8099; root $PWD; } }\" > n.conf; nginx -p . -e stderr -c $PWD/n.conf & curl -sf --retry 50 --retry-connrefused --retry-delay 1 http://127.0.0.1:8099/index.html | grep -q hi; kill %1"),
    _w("ffmpeg", "ffmpeg", "ffmpeg -loglevel error -f lavfi -i testsrc=duration=1:size=64x64:rate=5 -y o.mp4; test -s o.mp4"),
    _w("ImageMagick", "convert", "convert -size 9x9 xc:red a.png; identify a.png | grep -q PNG"),
    _w("browser runs a page's script", "chromium", f"{_PAGE} chromium"),
    _w("language server ruff", "ruff", f"{_PY}; {_ASK} a.py python ruff server"),
    _w("language server pylsp", "pylsp", f"{_PY}; {_ASK} a.py python pylsp"),
    _w("language server pyright", "pyright-langserver", f"{_PY}; {_ASK} a.py python pyright-langserver --stdio"),
    _w("language server clangd", "clangd", f"printf 'int two(void) {{ return 2; }}\\nint main(void) {{ return two(); }}\\n' > a.c; {_ASK} a.c c clangd --log=error"),
    _w("make a large file", "dd", "dd if=/dev/zero of=f bs=1M count=64 status=none; fallocate -l 1M g; truncate -s 1G h"),
)  # fmt: skip


async def carry_out(spawner: Spawner, workload: Workload, *, staged: bool = False) -> tuple[Verdict, str]:
    """Do the work in the spawner's tier; what it said when it did not work."""
    if any(shutil.which(program) is None for program in workload.needs):
        return "skipped", ""
    if spawner.tier in workload.not_in:
        return "skipped", "known not to work in this tier"
    with tempfile.TemporaryDirectory(prefix="vtcode-work-") as base:
        place = Path(base).resolve()
        folders = [place / name for name in ("workspace", "upper", "work")]
        for folder in folders:
            folder.mkdir()
        staging = Staging(*folders) if staged else None
        profile = Profile("work", folders[0], (folders[0],), limits=Limits(wall_seconds=120.0), staging=staging)
        arguments = {"kind": "sh", "code": f"set -e; {workload.script}", "world": {}, "seconds": 100}
        try:
            outcome, said = await spawner.self_test(_MODULE, "attack", arguments, profile)
        except SandboxError as error:
            return "broken", str(error)
    done = outcome.result is not None and outcome.result["status"] == 0
    return ("works" if done else "broken"), f"{said} {outcome.setup_error} {[d.detail for d in outcome.denials]}"
