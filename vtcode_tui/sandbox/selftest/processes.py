"""Attacks on other processes, on terminals, on the environment, and daemons that try to stay."""

# ruff: noqa: E501 - the lines of an attack are kept whole

from __future__ import annotations

from vtcode_tui.sandbox.selftest.table import Attack, py, sh

_SIGNALS = {
    "kill TERM": "import os; os.kill(W['PID'],15)",
    "kill KILL": "import os; os.kill(W['PID'],9)",
    "kill STOP": "import os; os.kill(W['PID'],19)",
    "killpg": "import os; os.killpg(W['PID'],15)",
    "tgkill": "sc(234,W['PID'],W['PID'],15)",
    "tkill": "sc(200,W['PID'],15)",
    "rt_sigqueueinfo": "import struct; sc(129,W['PID'],15,struct.pack('iii',15,0,-1)+bytes(116))",
    "pidfd_send_signal": "import os,signal; signal.pidfd_send_signal(os.pidfd_open(W['PID']),15)",
    "F_SETOWN": (
        "import fcntl,os,socket; a,b=socket.socketpair(); fcntl.fcntl(a,fcntl.F_SETOWN,W['PID']); "
        "fcntl.fcntl(a,10,15); fcntl.fcntl(a,fcntl.F_SETFL,0o20000); b.send(b'x')"
    ),
}
_REACHES = {
    "ptrace attach": "ok(sc(101,16,W['PID'],0,0))",
    "ptrace seize": "ok(sc(101,0x4206,W['PID'],0,0))",
    "process_vm_readv": (
        "import ctypes,re; m=open(f\"/proc/{W['PID']}/maps\").read(); "
        "a=int(re.search(r'([0-9a-f]+)-[0-9a-f]+ rw.*stack',m).group(1),16)\n"
        "b=ctypes.create_string_buffer(64); iov=(ctypes.c_size_t*2)(ctypes.addressof(b),64); "
        "rem=(ctypes.c_size_t*2)(a,64); ok(libc.process_vm_readv(W['PID'],iov,1,rem,1,0)-1)"
    ),
    "/proc/PID/mem": "open(f\"/proc/{W['PID']}/mem\",'rb').close(); broke()",
    "/proc/PID/mem for writing": "open(f\"/proc/{W['PID']}/mem\",'r+b').close(); broke()",
    "/proc/PID/maps": "assert open(f\"/proc/{W['PID']}/maps\").read(); broke()",
    "/proc/PID/environ": "print(open(f\"/proc/{W['PID']}/environ\").read())",
    "/proc/PID/auxv": "assert open(f\"/proc/{W['PID']}/auxv\",'rb').read(); broke()",
    "/proc/PID/io": "assert open(f\"/proc/{W['PID']}/io\").read(); broke()",
    "/proc/PID/stack": "assert open(f\"/proc/{W['PID']}/syscall\").read(); broke()",
    "/proc/PID/fd list": "import os; assert os.listdir(f\"/proc/{W['PID']}/fd\"); broke()",
    "/proc/PID/clear_refs": "open(f\"/proc/{W['PID']}/clear_refs\",'w').write('1'); broke()",
    "/proc/PID/coredump_filter": "open(f\"/proc/{W['PID']}/coredump_filter\",'w').write('1'); broke()",
    "/proc/PID/oom_score_adj": "open(f\"/proc/{W['PID']}/oom_score_adj\",'w').write('500')",
    "/proc/PID/timerslack_ns": "open(f\"/proc/{W['PID']}/timerslack_ns\",'w').write('1'); broke()",
    "/proc/PID/ns": "import os; d=os.open(f\"/proc/{W['PID']}/ns/net\",0); broke()",
    "pidfd_getfd": "import os; p=os.pidfd_open(W['PID']); print(os.pread(sc(438,p,W['VFD'],0),99,0))",
    "kcmp": "import os; ok(sc(312,os.getpid(),W['PID'],1,0,0))",
    "perf_event_open": "import struct; ok(sc(298,struct.pack('IIQ',1,120,9)+bytes(104),W['PID'],-1,-1,0))",
    "process_madvise": (
        "import os,ctypes; p=os.pidfd_open(W['PID']); v=(ctypes.c_size_t*2)(0,0); r=sc(440,p,v,1,20,0); ok(r)"
    ),
    "move_pages": "ok(sc(279,W['PID'],0,0,0,0,0))",
    "migrate_pages": "import ctypes; m=ctypes.c_ulong(1); ok(sc(256,W['PID'],8,ctypes.byref(m),ctypes.byref(m)))",
    "prlimit": "import resource; resource.prlimit(W['PID'],resource.RLIMIT_NOFILE,(99,99))",
    "setns": "import os; ok(sc(308,os.pidfd_open(W['PID']),0x40000000))",
    "the environment of the harness": "print(open(f\"/proc/{W['UPID']}/environ\").read().count('=')); broke()",
    "the environment of the parent": "import os; open(f'/proc/{os.getppid()}/environ').read(); "
    "open(f\"/proc/{W['UPID']}/environ\").read(); broke()",
}
_SCHEDULING = {
    "setpriority": "import os; os.setpriority(os.PRIO_PROCESS,W['PID'],5)",
    "sched_setaffinity": "import os; os.sched_setaffinity(W['PID'],{0})",
    "sched_setscheduler": "import os; os.sched_setscheduler(W['PID'],os.SCHED_BATCH,os.sched_param(0))",
    "ioprio_set": "sc(251,1,W['PID'],(2<<13)|7)",
}
_KNOWN_IN_KERNEL = {"/proc/PID/fd list"}
_STAYING = {
    "&": "bash -c 'sleep 300; : $MARKER' {m} &",
    "nohup": "nohup bash -c 'sleep 300; :' {m} >/dev/null 2>&1 &",
    "setsid": "setsid bash -c 'sleep 300; :' {m} &",
    "disown": "bash -c 'sleep 300; :' {m} & disown",
    "double fork": "(bash -c 'sleep 300; :' {m} &) ; exit 0",
    "double fork and setsid": "(setsid bash -c 'sleep 300; :' {m} >/dev/null 2>&1 &)",
    "deaf to signals": "setsid bash -c 'trap \"\" TERM INT HUP QUIT; while :; do sleep 1; done' {m} &",
    "stopped": "bash -c 'kill -STOP $$; sleep 300' {m} &",
    "a chain": "bash -c 'bash -c \"setsid sleep 300 & sleep 300; :\" {m} & sleep 300' {m} &",
    "eight deaf daemons": "for i in 1 2 3 4 5 6 7 8; do setsid bash -c 'trap \"\" TERM; while :; do sleep 1; done' {m} & done",
    "exec renamed": "(exec -a {m} sleep 300) & ",
    "background with closed streams": "setsid bash -c 'sleep 300; :' {m} <&- >&- 2>&- &",
    "tmux server": "tmux -L {m} new-session -d 'sleep 300; :' 2>/dev/null",
    "a busy respawner": "setsid bash -c 'while :; do (sleep 1 &) ; sleep 0.05; done' {m} &",
}
_DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 64)
        os.execv('/bin/sleep', ['sleep', '300', W['MARKER']] if False else [W['MARKER'], '300'])
    os._exit(0)
os.wait()
"""
_TERMINAL = {
    "write to another terminal": "open(W['PTS'],'w').write(W['NONCE'])",
    "write to every terminal": (
        # Opens all there are, and writes where it may be seen: without a sandbox the others are a person's.
        "import glob\nfor t in glob.glob('/dev/pts/[0-9]*'):\n try: f=open(t,'w')\n except OSError: continue\n"
        " if t==W['PTS']: f.write(W['NONCE'])"
    ),
    "inject into another terminal": "import fcntl,os; fcntl.ioctl(os.open(W['PTS'],os.O_RDWR|os.O_NOCTTY),0x5412,b'x')",
    "take another terminal": (
        "import fcntl,os; os.setsid() if os.getsid(0)!=os.getpid() else 0\n"
        "fcntl.ioctl(os.open(W['PTS'],os.O_RDWR),0x540e,0); broke()"
    ),
    "TIOCSTI on one's own": (
        "import fcntl,os,pty\npid,m=pty.fork()\n"
        "if pid==0:\n"
        " try: fcntl.ioctl(0,0x5412,b'x'); os._exit(0)\n"
        " except OSError: os._exit(9)\n"
        "assert os.waitpid(pid,0)[1]==0; broke()"
    ),
    "TIOCSTI with high bits": (
        "import os\npid=os.fork()\nimport pty\na,b=pty.openpty()\n"
        "if pid==0:\n os.setsid()\n import fcntl; fcntl.ioctl(b,0x540e,0)\n"
        " r=sc(16,b,0x5412|1<<32,b'x'); os._exit(0 if r==0 else 9)\n"
        "assert os.waitpid(pid,0)[1]==0; broke()"
    ),
    "TIOCCONS": "import fcntl,os,pty; a,b=pty.openpty(); fcntl.ioctl(b,0x541d,0); broke()",
    "TIOCSETD": "import fcntl,struct,pty; a,b=pty.openpty(); fcntl.ioctl(b,0x5423,struct.pack('i',0)); broke()",
}
_ENVIRONMENT = (
    sh("environment", "a key in the environment", "env"),
    sh("environment", "a token by another name", "echo $MY_SERVICE_LOGIN $GH $DATABASE"),
    py("environment", "the initial environment", "print(open('/proc/self/environ').read())"),
    py("environment", "environments of all processes", "import glob\nfor f in glob.glob('/proc/[0-9]*/environ'):\n"
       " try: print(open(f).read())\n except OSError: pass"),
    sh("environment", "command lines of all processes", "cat /proc/[0-9]*/cmdline", open_in="kernel"),
)  # fmt: skip


def _tables() -> tuple[Attack, ...]:
    made = [py("signal", name, code) for name, code in _SIGNALS.items()]
    for name, code in (*_REACHES.items(), *_SCHEDULING.items()):
        made.append(py("process", name, code, open_in="kernel" if name in _KNOWN_IN_KERNEL else ""))
    made += [sh("stay", name, code.replace("{m}", "$MARKER")) for name, code in _STAYING.items()]
    made.append(py("stay", "a classic daemon", _DAEMON.replace("['sleep', '300', W['MARKER']] if False else ", "")))
    made += [py("terminal", name, code) for name, code in _TERMINAL.items()]
    return (*made, *_ENVIRONMENT)


ATTACKS = _tables()
