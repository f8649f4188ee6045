"""Attacks on what holds a run: its supervisor and notifier, the guard, the report, the layer, the limits' watch."""

# ruff: noqa: E501 - the lines of an attack are kept whole

from __future__ import annotations

from vtcode_tui.sandbox.selftest.table import Attack, py, sh

_CRASH = "import socket,ctypes,struct,os\nEVIL=lambda: open('.envrc','w').write('EVIL')\nEVIL()\n"

_HIDE_FROM_THE_GUARD = {
    "a protected folder without rights": "mkdir .vscode; echo EVIL > .vscode/tasks.json; chmod 0 .vscode/tasks.json; chmod 0 .vscode",
    "a workspace without rights": "echo EVIL > .envrc; chmod 0 .",
    "attributes that nobody may read": 'python3 -c \'import os; os.setxattr(".git/hooks","user.x",b"y")\'; echo EVIL > .git/hooks/pre-commit; chmod 0 .git/hooks',
    "more attributes than a list holds": 'python3 -c \'import os; [os.setxattr(".git/hooks","user.%0240d"%n,b"") for n in range(400)]\'; echo EVIL > .git/hooks/pre-commit',
    "a fifo in the place of a protected file": "mkfifo .envrc",
    "a socket in the place of a protected file": "python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\".envrc\")'; exit 0",
    "a link that turns in a circle": "ln -s .envrc .envrc",
    "a link to another protected path": "ln -s .git/config .envrc",
    "a name that no text can hold": "mkdir .vscode; echo EVIL > .vscode/$'\\xff\\xfe'; echo EVIL > .vscode/tasks.json",
    "two levels of renamed parents": "mkdir n; mv .git n/g; mv n .git; echo EVIL > .git/g/hooks/pre-commit",
    "git through commondir": "mkdir e; cp .git/config e/; echo '[core] fsmonitor=EVIL' >> e/config; echo ../e > .git/commondir",
    "a protected file as a hard link outside": "ln $VICTIM .envrc && echo EVIL >> .envrc",
    "exchange a folder with a protected one": 'mkdir -p x/hooks; echo EVIL > x/hooks/pre-commit; cp -r .git/* x/ 2>/dev/null; python3 -c \'import ctypes; ctypes.CDLL(None).syscall(316,-100,b".git",-100,b"x",2)\'',
}
_CONFUSE_THE_SUPERVISOR = {
    "connect a TCP socket to a unix path": _CRASH
    + "s=socket.socket(2,1); a=struct.pack('=H',1)+b'x'; sc(42,s.fileno(),a,len(a))",
    "connect a pipe to a unix path": _CRASH
    + "r,w=os.pipe(); l=socket.socket(1); l.bind('own'); l.listen(); a=struct.pack('=H',1)+b'own'; sc(42,r,a,len(a))",
    "connect a file to a unix path": _CRASH
    + "l=socket.socket(1); l.bind('own'); l.listen(); d=os.open('inside.txt',0); a=struct.pack('=H',1)+b'own'; sc(42,d,a,len(a))",
    "connect a pair's end to a unix path": _CRASH
    + "l=socket.socket(1); l.bind('own'); l.listen(); p,q=socket.socketpair(); a=struct.pack('=H',1)+b'own'; sc(42,p.fileno(),a,len(a))",
    "connect to an empty address": _CRASH
    + "s=socket.socket(1); sc(42,s.fileno(),b'',0); sc(42,s.fileno(),b'x',1); sc(42,s.fileno(),0,16)",
    "connect with a size beyond all": _CRASH
    + "s=socket.socket(1); sc(42,s.fileno(),b'x',-1); sc(42,s.fileno(),-1,16); sc(42,s.fileno(),1<<47,16)",
    "connect to a name of odd bytes": _CRASH
    + "s=socket.socket(1)\nfor n in (b'\\xff\\xfe',b'a\\nb',b'\\x1b[2J',b'/'*100,b'.',b'..',b'\\0'): a=struct.pack('=H',1)+n; sc(42,s.fileno(),a,len(a))",
    "connect an odd internet address": _CRASH
    + "s=socket.socket(1); a=struct.pack('=H',2)+b'x'; sc(42,s.fileno(),a,len(a)); a=struct.pack('=H',10)+b'x'; sc(42,s.fileno(),a,len(a))",
    "bind to odd addresses": _CRASH
    + "s=socket.socket(2,1)\nfor a in (0,1,-1,1<<47,b'',b'\\2',b'\\2\\0',b'\\n'*28,b'\\xff'*128):\n for n in (0,1,16,128,-1): sc(49,s.fileno(),a,n); sc(49,9999,a,n); sc(49,0,a,n)",
    "listen on what cannot": _CRASH
    + "a,b=socket.socketpair(); r,w=os.pipe()\nfor d in (0,r,a.fileno(),os.open('inside.txt',0),socket.socket(1).fileno(),9999,-1,1<<31):\n for n in (0,-1,1<<31,1<<40): sc(50,d,n)",
    "bind and close at once": _CRASH
    + "import threading\ndef go():\n for n in range(200):\n  s=socket.socket(2,1); d=s.fileno()\n  try: s.bind(('127.0.0.1',0)); s.listen()\n  except OSError: pass\n  try: os.close(d)\n  except OSError: pass\n  s.detach()\nt=[threading.Thread(target=go) for _ in range(4)]; [x.start() for x in t]; [x.join() for x in t]",
    "chmod with odd pointers": _CRASH
    + "sc(90,0,0o777); sc(90,1,0o777); sc(90,-1,0o777); sc(90,1<<46,0o777); sc(268,-5,b'x',0o777); sc(268,1<<40,b'x',0o777)",
    "utimes with odd pointers": _CRASH
    + "sc(280,-100,b'inside.txt',1,0); sc(280,-100,b'inside.txt',b'x'*32,-1); sc(235,b'inside.txt',-1); sc(280,-100,0,0,0)",
    "attributes with odd pointers": _CRASH
    + "sc(188,b'inside.txt',0,0,0,0); sc(188,b'inside.txt',b'user.a',1,1<<40,0); sc(188,b'inside.txt',b'\\xff',b'x',1,99); sc(197,b'inside.txt',-1)",
    "the other end of what is no terminal": _CRASH
    + "m=os.open('/dev/ptmx',2|os.O_NOCTTY)\nfor d in (m,*range(-5,60),1<<31):\n for f in (0,2,-1,1<<31,0o20000000,3): sc(16,d,0x5441,f)",
    "the end of the caller while it waits": _CRASH
    + "import threading,signal\nfor n in range(60):\n p=os.fork()\n if p==0:\n  threading.Thread(target=lambda: [sc(42,socket.socket(1).fileno(),struct.pack('=H',1)+b'x',3) for _ in range(9)]).start()\n  os.kill(os.getpid(),9)\n os.waitpid(p,0)",
    "a report too long to be sent": _CRASH
    + "for n in range(400): s=socket.socket(1); a=struct.pack('=H',1)+(b'%03d'%n)+b'\\xff'*100; sc(42,s.fileno(),a,len(a))",
    "a name with a parenthesis and a line": _CRASH
    + "import ctypes\nlibc.prctl(15,b') R 1 1\\n',0,0,0)\nif os.fork()==0:\n os.setsid()\n if os.fork(): os._exit(0)\n os.execv('/bin/sleep',[W['MARKER'],'300'])\nos.wait()",
}
_LEAVE_SOMETHING = {
    "a device as a whiteout": "import os,stat; os.mknod('w',stat.S_IFCHR|0o600,0); broke()",
    "a file with a privileged attribute": "import os; os.setxattr('inside.txt','trusted.overlay.opaque',b'y'); broke()",
    "a lock on a file outside": "import fcntl,os; d=os.open(W['SECRET'],0); fcntl.flock(d,fcntl.LOCK_EX|fcntl.LOCK_NB); broke()",
    "a lease on a file outside": "import fcntl,os; d=os.open(W['VICTIM'],0); fcntl.fcntl(d,1024,fcntl.F_RDLCK); broke()",
    "a notice of a folder outside": "import fcntl,os; d=os.open(W['OUT'],0); fcntl.fcntl(d,1026,0x8000003f); broke()",
    "a stopped group of daemons": "import os,signal\nfor n in range(5):\n if os.fork()==0:\n  os.setsid(); signal.signal(15,1)\n  if os.fork()==0: os.execv('/bin/sh',[W['MARKER'],'-c','kill -STOP $$; sleep 300'])\n  os.execv('/bin/sleep',[W['MARKER'],'300'])",
    "a zombie's child": "import os\nif os.fork()==0:\n if os.fork()==0:\n  os.setsid(); os.execv('/bin/sleep',[W['MARKER'],'300'])\n os._exit(0)",
    "the sibling of its parent": "import os\nif sc(56,0x8000|17,0,0,0,0)==0:\n os.setsid(); os.execv('/bin/sleep',[W['MARKER'],'300'])",
}


def _tables() -> tuple[Attack, ...]:
    made: list[Attack] = []
    for group, table in (
        ("guard", _HIDE_FROM_THE_GUARD),
        ("supervisor", _CONFUSE_THE_SUPERVISOR),
        ("traces", _LEAVE_SOMETHING),
    ):
        for name, code in table.items():
            kind = py if "import" in code.split("\n")[0] and not code.startswith(("python3", "mkdir")) else sh
            made.append(kind(group, name, code))
    return tuple(made)


ATTACKS = _tables()
