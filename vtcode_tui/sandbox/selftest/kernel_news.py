"""Attacks that use what kernels have learned lately, the machine's own settings, and terminals that are a person's."""

# ruff: noqa: E501 - the lines of an attack are kept whole

from __future__ import annotations

from vtcode_tui.sandbox.selftest.table import Attack, py

_INFO = "import os,struct,ctypes,fcntl,socket,termios\n"
_TERMINAL = {
    "the size of another terminal": "fcntl.ioctl(os.open(W['PTS'],os.O_RDWR|os.O_NOCTTY),termios.TIOCSWINSZ,struct.pack('HHHH',3,7,0,0))",
    "the modes of another terminal": "d=os.open(W['PTS'],os.O_RDWR|os.O_NOCTTY); a=termios.tcgetattr(d); a[3]^=termios.ECHO; termios.tcsetattr(d,0,a)",
    "another terminal by its owner's descriptor": "d=os.open(f\"/proc/{W['UPID']}/fd/{W['SFD']}\",os.O_RDWR|os.O_NOCTTY); os.write(d,W['NONCE'].encode())",
    "what another terminal's owner types": "d=os.open(W['PTS'],os.O_RDONLY|os.O_NOCTTY|os.O_NONBLOCK); broke()",
    "another terminal kept from everybody": "fcntl.ioctl(os.open(W['PTS'],os.O_RDWR|os.O_NOCTTY),termios.TIOCEXCL); broke()",
    "another terminal stopped": "termios.tcflow(os.open(W['PTS'],os.O_RDWR|os.O_NOCTTY),termios.TCOON); broke()",
    "mode of another terminal": "os.chmod(W['PTS'],0o666)",
    "a console": "os.open('/dev/console',os.O_RDWR|os.O_NOCTTY|os.O_NONBLOCK); broke()",
    "the screen of a console": "[os.open(n,os.O_RDWR|os.O_NOCTTY|os.O_NONBLOCK) for n in ('/dev/tty0','/dev/tty1','/dev/vcs','/dev/ttyS0') if os.path.exists(n)][0]; broke()",
}  # fmt: skip
_OPENS = {
    "drop_caches": "/proc/sys/vm/drop_caches",
    "the overcommit setting": "/proc/sys/vm/overcommit_memory",
    "the program for modules": "/proc/sys/kernel/modprobe",
    "the program for hotplug": "/proc/sys/kernel/hotplug",
    "the next process number": "/proc/sys/kernel/ns_last_pid",
    "the largest process number": "/proc/sys/kernel/pid_max",
    "binary formats": "/proc/sys/fs/binfmt_misc/register",
    "protected links": "/proc/sys/fs/protected_symlinks",
    "set-id core files": "/proc/sys/fs/suid_dumpable",
    "forwarding between networks": "/proc/sys/net/ipv4/ip_forward",
    "which processor answers": "/proc/irq/default_smp_affinity",
    "the way to suspend": "/sys/power/state",
    "a lock of the kernel": "/sys/kernel/security/lockdown",
    "traces of the kernel": "/sys/kernel/tracing/uprobe_events",
    "traces by the older name": "/sys/kernel/debug/tracing/kprobe_events",
    "large pages": "/sys/kernel/mm/transparent_hugepage/enabled",
    "sharing of pages": "/sys/kernel/mm/ksm/run",
    "the queue of a disk": "/sys/block/vda/queue/scheduler",
    "a processor": "/sys/devices/system/cpu/cpu1/online",
    "the identity of its audit": "/proc/self/loginuid",
}
"""Files that are opened for writing and not written: that they open is the breach."""
_CGROUP = (
    "import glob\nfor n in ('{0}',):\n for f in glob.glob('/sys/fs/cgroup/'+n)+glob.glob('/sys/fs/cgroup/*/'+n):\n"
    "  try: os.open(f,os.O_WRONLY); broke(); break\n  except OSError: pass"
)
_SETTINGS = {
    "leave its control group": _CGROUP.format("cgroup.procs"),
    "the program that ends a control group": _CGROUP.format("release_agent"),
    "the devices of a control group": _CGROUP.format("devices.allow"),
    "the memory of a control group": _CGROUP.format("memory.limit_in_bytes"),
    "freeze a control group": _CGROUP.format("cgroup.freeze"),
    "a crash that starts the machine's own program": (
        "import resource\nassert open('/proc/sys/kernel/core_pattern').read()[0] in '|@'\n"
        "resource.setrlimit(4,(0,0)); assert resource.getrlimit(4)[0]!=1; broke()"
    ),
}
_PIDFD = "p=os.pidfd_open(W['PID'])\n"
_PROCESSES = {
    "a pidfd of a thread, and its memory": "p=sc(434,W['PID'],0o200); print(os.pread(sc(438,p,W['VFD'],0),99,0))",
    "process_mrelease": _PIDFD + "assert sc(448,p,0)==-22; broke()",
    "process_madvise that pages out": _PIDFD + "v=(ctypes.c_size_t*2)(0,0); ok(sc(440,p,v,1,21,0))",
    "a secret through its folder": "print(open(f\"/proc/{W['PID']}/cwd/secret\").read())",
    "a secret through its root": "print(open(f\"/proc/{W['PID']}/root{W['SECRET']}\").read())",
    "a secret through its descriptor": "print(open(f\"/proc/{W['PID']}/fd/{W['VFD']}\").read())",
    "its mapped files": "assert os.listdir(f\"/proc/{W['PID']}/map_files\"); broke()",
    "its memory in detail": "assert open(f\"/proc/{W['PID']}/smaps_rollup\").read(); broke()",
    "its memory by NUMA": "assert open(f\"/proc/{W['PID']}/numa_maps\").read(); broke()",
    "its personality": "open(f\"/proc/{W['PID']}/personality\").read(); broke()",
    "its scheduling statistics": "open(f\"/proc/{W['PID']}/sched\",'w'); broke()",
    "its user namespace's map": "open(f\"/proc/{W['PID']}/uid_map\",'w'); broke()",
    "the cookie of its core": "ok(libc.prctl(62,2,W['PID'],0,0))",
    "the memory of the first process": "os.open('/proc/1/mem',os.O_RDWR); broke()",
    "the descriptors of the first process": "assert [os.readlink('/proc/1/fd/'+n) for n in os.listdir('/proc/1/fd')]; broke()",
    "the environment of the first process": "assert open('/proc/1/environ').read(); broke()",
}  # fmt: skip
_SOCKETS = {
    ("unix socket", "a process by its socket"): "x=socket.socket(1); x.connect(W['USTREAM']); p=struct.unpack('i',x.getsockopt(1,77,4))[0]; broke()",
    ("unix socket", "abstract without blocking"): "x=socket.socket(1); x.setblocking(False); x.connect_ex('\\0'+W['ABSTRACT'])",
    ("unix socket", "a host's socket by a folder's descriptor"): "d=os.open(W['WS'],os.O_PATH); socket.socket(1).connect(f'/proc/self/fd/{d}/host.sock')",
    ("unix socket", "a host's socket through another thread's folder"): "socket.socket(1).connect('/proc/thread-self/cwd/host.sock')",
    ("unix socket", "a host's socket through a loop of links"): "os.symlink('.','q'); socket.socket(1).connect('q/q/q/q/host.sock')",
    ("unix socket", "a host's socket exchanged with an own one"): "x=socket.socket(1); x.bind('own'); x.listen(); sc(316,-100,b'own',-100,b'host.sock',2); socket.socket(1).connect('own')",
    ("udp", "corked"): "x=socket.socket(2,2); x.setsockopt(17,1,1); x.sendto(b'x',('127.0.0.1',W['UDP'])); x.setsockopt(17,1,0)",
    ("udp", "by splice"): "x=socket.socket(2,2); x.connect(('127.0.0.1',W['UDP'])); r,w=os.pipe(); os.write(w,b'x'); os.splice(r,x.fileno(),1)",
    ("udp", "by sendfile"): "x=socket.socket(2,2); x.connect(('127.0.0.1',W['UDP'])); os.sendfile(x.fileno(),os.open('inside.txt',0),0,1)",
    ("udp", "a datagram without a body"): "x=socket.socket(2,2); x.sendto(b'',('127.0.0.1',W['UDP']))",
    ("udp", "segments"): "x=socket.socket(2,2); x.setsockopt(17,103,1); x.sendto(b'xy',('127.0.0.1',W['UDP']))",
    ("tcp", "out of band"): "x=socket.socket(); x.connect(('127.0.0.1',W['TCP'])); x.send(b'x',1)",
    ("tcp", "another congestion control and a layer above"): "x=socket.socket(); x.setsockopt(6,13,b'reno'); x.connect(('127.0.0.1',W['TCP'])); x.setsockopt(6,31,b'tls')",
    ("tcp", "transparent"): "x=socket.socket(); x.setsockopt(0,15,1); x.setsockopt(0,19,1); x.connect(('127.0.0.1',W['TCP']))",
    ("tcp", "bound to a device"): "x=socket.socket(); x.setsockopt(1,25,b'lo\\0'); x.connect(('127.0.0.1',W['TCP']))",
    ("tcp", "on the port of a server that is there"): "x=socket.socket(); x.setsockopt(1,2,1); x.setsockopt(1,15,1); x.connect(('127.1.2.3',W['TCP']))",
    ("family", "DECnet, IPX and AppleTalk"): "[socket.socket(f,2,0) for f in (12,4,5)]; broke()",
    ("family", "NFC, phonet, CAIF and IEEE 802.15.4"): "\nfor f,t in ((39,5),(35,2),(37,1),(36,2),(26,2)):\n try: socket.socket(f,t); broke()\n except OSError: pass",
}  # fmt: skip
_FILES = {
    ("read", "by /proc/thread-self"): "print(open('/proc/thread-self/root'+W['SECRET']).read())",
    ("read", "by /dev/fd"): "d=os.open(W['OUT'],os.O_PATH); print(open(f'/dev/fd/{d}/secret').read())",
    ("read", "by the folder of another"): "d=os.open(f\"/proc/{W['PID']}/cwd\",os.O_PATH); print(os.read(os.open('secret',0,dir_fd=d),99))",
    ("read", "with a mapping"): "import mmap; print(mmap.mmap(os.open(W['SECRET'],0),0,prot=1).read())",
    ("read", "with splice"): "r,w=os.pipe(); os.splice(os.open(W['SECRET'],0),w,99); print(os.read(r,99))",
    ("read", "with copy_file_range into a new file"): "d=os.open('c',66); os.copy_file_range(os.open(W['SECRET'],0),d,99); print(os.pread(d,99,0))",
    ("read", "with an asynchronous request"): (
        "b=ctypes.create_string_buffer(99); x=ctypes.c_ulong(0); assert sc(206,1,ctypes.addressof(x))==0; d=os.open(W['SECRET'],0)\n"
        "c=ctypes.create_string_buffer(struct.pack('QIIHhIQQqQII',0,0,0,0,0,d,ctypes.addressof(b),99,0,0,0,0)); p=(ctypes.c_void_p*1)(ctypes.addressof(c))\n"
        "sc(209,x.value,1,ctypes.addressof(p)); e=ctypes.create_string_buffer(32); sc(208,x.value,1,1,e,0); print(b.value)"
    ),
    ("read", "by openat2 without its flags"): "h=struct.pack('QQQ',0,0,0); print(os.read(sc(437,-100,W['SECRET'].encode(),h,24),99))",
    ("read", "by openat2 in its own root"): "h=struct.pack('QQQ',0,0,16); d=os.open('/',os.O_PATH); print(os.read(sc(437,d,W['SECRET'].encode(),h,24),99))",
    ("read", "by a program that is executed"): "os.execv('/bin/sh',['sh',W['OUT']+'/run.sh'])",
    ("read", "by a program that is executed from a descriptor"): "d=os.open(W['OUT']+'/run.sh',os.O_PATH); os.set_inheritable(d,True); os.execv('/bin/sh',['sh',f'/proc/self/fd/{d}'])",
    ("read", "by an interpreter"): "open('s','w').write('#!/bin/cat '+W['SECRET']+'\\n'); os.chmod('s',0o755); os.execv('./s',['s'])",
    ("write", "with an asynchronous request"): (
        "b=ctypes.create_string_buffer(b'X'); x=ctypes.c_ulong(0); assert sc(206,1,ctypes.addressof(x))==0; d=os.open(W['VICTIM'],1)\n"
        "c=ctypes.create_string_buffer(struct.pack('QIIHhIQQqQII',0,0,0,1,0,d,ctypes.addressof(b),1,0,0,0,0)); p=(ctypes.c_void_p*1)(ctypes.addressof(c))\n"
        "sc(209,x.value,1,ctypes.addressof(p)); e=ctypes.create_string_buffer(32); sc(208,x.value,1,1,e,0)"
    ),
    ("write", "with copy_file_range"): "os.copy_file_range(os.open('inside.txt',0),os.open(W['VICTIM'],1),6)",
    ("write", "with splice"): "r,w=os.pipe(); os.write(w,b'XX'); os.splice(r,os.open(W['VICTIM'],1),2)",
    ("write", "with sendfile"): "os.sendfile(os.open(W['VICTIM'],1),os.open('inside.txt',0),0,6)",
    ("write", "by a hole"): "libc.fallocate(os.open(W['VICTIM'],2),3,ctypes.c_long(0),ctypes.c_long(4096))",
    ("write", "by its own memory file"): "import mmap; m=mmap.mmap(os.open(W['VICTIM'],2),0); a=ctypes.addressof(ctypes.c_char.from_buffer(m)); f=os.open('/proc/self/mem',2); os.pwrite(f,b'X',a)",
    ("write", "by setxattrat of a descriptor"): "b=ctypes.create_string_buffer(b'EVIL'); sc(463,os.open(W['VICTIM'],0),b'',0x1000,b'user.x',struct.pack('QII',ctypes.addressof(b),4,0),16)",
    ("write", "by fchmodat2 of a descriptor"): "sc(452,os.open(W['VICTIM'],os.O_PATH),b'',0o604,0x1000)",
    ("write", "the project of a file"): "d=os.open(W['VICTIM'],0); b=bytearray(28); fcntl.ioctl(d,0x801c581f,b); n=bytearray(b); n[0]^=0x80; fcntl.ioctl(d,0x401c5820,bytes(n)); fcntl.ioctl(d,0x401c5820,bytes(b)); broke()",
    ("protected", "with an asynchronous request"): (
        "b=ctypes.create_string_buffer(b'EVIL'); x=ctypes.c_ulong(0); assert sc(206,1,ctypes.addressof(x))==0; d=os.open('.git/config',1)\n"
        "c=ctypes.create_string_buffer(struct.pack('QIIHhIQQqQII',0,0,0,1,0,d,ctypes.addressof(b),4,0,0,0,0)); p=(ctypes.c_void_p*1)(ctypes.addressof(c))\n"
        "sc(209,x.value,1,ctypes.addressof(p)); e=ctypes.create_string_buffer(32); sc(208,x.value,1,1,e,0)"
    ),
    ("protected", "by a hole"): "libc.fallocate(os.open('.git/hooks/pre-commit',2),3,ctypes.c_long(0),ctypes.c_long(4096))",
    ("protected", "by a file without a name"): "os.mkdir('.vscode'); d=os.open('.vscode',os.O_TMPFILE|2,0o600); os.write(d,b'EVIL'); libc.linkat(-100,f'/proc/self/fd/{d}'.encode(),-100,b'.vscode/tasks.json',0x400)",
    ("protected", "through a thread's own folder"): "open('/proc/thread-self/cwd/.git/hooks/pre-commit','a').write('EVIL')",
    ("protected", "by a file without a name that gets one"): "d=os.open('.',os.O_TMPFILE|2,0o600); os.write(d,b'EVIL'); libc.linkat(-100,f'/proc/self/fd/{d}'.encode(),-100,b'.envrc',0x400)",
    ("protected", "by a socket with its name"): "socket.socket(1).bind('vtcode.toml')",
}  # fmt: skip
_KERNEL = {
    "file_getattr": "ok(sc(468,-100,W['VICTIM'].encode(),ctypes.create_string_buffer(24),24,0))",
    "listxattrat": "b=ctypes.create_string_buffer(256); r=sc(465,-100,W['VICTIM'].encode(),0,b,256); assert b'canary' in b.raw; broke()",
    "a swap file of its own": "open('sw','wb').write(bytes(1<<20)); assert sc(167,b'sw',0)==-22; broke()",
    "entropy": "ok(sc(16,os.open('/dev/urandom',os.O_RDWR),0x40045201,struct.pack('i',0)))",
    "the state of the random numbers": "ok(sc(16,os.open('/dev/urandom',os.O_RDWR),0x5207,0))",
    "hidden memory by another flag": "ok(sc(447,0o2000000))",
    "a listener by prctl's sibling": "libc.prctl(38,1,0,0,0); c=ctypes.create_string_buffer(struct.pack('HBBI',6,0,0,0x7fff0000)); p=ctypes.create_string_buffer(struct.pack('HxxxxxxQ',1,ctypes.addressof(c))); ok(sc(317,1,8|32,p))",
    "a listener with high bits": "libc.prctl(38,1,0,0,0); c=ctypes.create_string_buffer(struct.pack('HBBI',6,0,0,0x7fff0000)); p=ctypes.create_string_buffer(struct.pack('HxxxxxxQ',1,ctypes.addressof(c))); ok(sc(317,1|1<<32,8|1<<32,p))",
    "a ring that polls": "ok(sc(425,4,ctypes.create_string_buffer(struct.pack('III',0,0,2)+bytes(108))))",
    "kernel keys by their file": "ok(sc(250,11,-3,bytes(64),64))",
}  # fmt: skip


_KNOWN = {
    ("read", "shared memory of another program"): ("kernel", "print(open(W['SHARED']).read())"),
    ("write", "shared memory of another program"): ("kernel", "open(W['SHARED'],'a').write('EVIL')"),
    ("traces", "a lock on what may only be read"): (
        "full kernel",
        "fcntl.flock(os.open('/usr/lib/os-release',0),fcntl.LOCK_EX|fcntl.LOCK_NB); broke()",
    ),
}
"""With the tiers in which they succeed."""


def _tables() -> tuple[Attack, ...]:
    made = [py("terminal", name, _INFO + code) for name, code in _TERMINAL.items()]
    for name, path in _OPENS.items():
        made.append(py("settings", name, _INFO + f"os.open({path!r},os.O_WRONLY); broke()"))
    made += [py("settings", name, _INFO + code) for name, code in _SETTINGS.items()]
    made += [py("process", name, _INFO + code) for name, code in _PROCESSES.items()]
    for (group, name), code in (*_SOCKETS.items(), *_FILES.items()):
        made.append(py(group, name, _INFO + code))
    made += [py("kernel", name, _INFO + code) for name, code in _KERNEL.items()]
    for (group, name), (tiers, code) in _KNOWN.items():
        made.append(py(group, name, _INFO + code, open_in=tiers))
    return tuple(made)


ATTACKS = _tables()
