"""Attacks that reach for what others reach for, by a second door: sibling calls, older names, wider targets, newer calls."""

# ruff: noqa: E501 - the lines of an attack are kept whole

from __future__ import annotations

from vtcode_tui.sandbox.selftest.table import Attack, py

_INFO = "import os,struct,ctypes,fcntl,socket\n"
_OWNER = (
    _INFO
    + "a,b=socket.socketpair()\ndef go(): fcntl.fcntl(a,10,15); fcntl.fcntl(a,fcntl.F_SETFL,0o20000); b.send(b'x')\n"
)
_SIGNALS = {
    "rt_tgsigqueueinfo": _INFO + "sc(297,W['PID'],W['PID'],15,struct.pack('iii',15,0,-1)+bytes(116))",
    "pidfd_send_signal to its group": _INFO + "sc(424,os.pidfd_open(W['PID']),15,0,4)",
    "pidfd_send_signal to its thread": _INFO + "sc(424,sc(434,W['PID'],0o200),15,0,1)",
    "pidfd_send_signal by its folder": _INFO + "sc(424,os.open(f\"/proc/{W['PID']}\",os.O_DIRECTORY),15,0,0)",
    "F_SETOWN_EX of its group": _OWNER + "fcntl.fcntl(a,15,struct.pack('ii',2,W['PID'])); go()",
    "F_SETOWN_EX of its thread": _OWNER + "fcntl.fcntl(a,15,struct.pack('ii',0,W['PID'])); go()",
    "FIOSETOWN": _OWNER + "fcntl.ioctl(a,0x8901,struct.pack('i',W['PID'])); go()",
    "SIOCSPGRP of its group": _OWNER + "fcntl.ioctl(a,0x8902,struct.pack('i',-W['PID'])); go()",
    "a notice of a folder": _INFO
    + "d=os.open('.',0); fcntl.fcntl(d,fcntl.F_SETOWN,W['PID']); fcntl.fcntl(d,10,15); fcntl.fcntl(d,1026,0x4); open('n','w').close()",
    "a broken lease": _INFO
    + "d=os.open('inside.txt',0); fcntl.fcntl(d,fcntl.F_SETOWN,W['PID']); fcntl.fcntl(d,10,15); fcntl.fcntl(d,1024,0)\n"
    "os.open('inside.txt',os.O_WRONLY|os.O_NONBLOCK)",
}
_WITHOUT_CAPABILITIES = "assert sc(126,struct.pack('Ii',0x20080522,0),bytes(24))==0; os.getpriority(0,W['PID'])\n"
"""So that -20 is refused for every process and changes none, in the control too; and the victim must be in sight."""
_PROCESSES = {
    "sched_setparam": _INFO + "ok(sc(142,W['PID'],struct.pack('i',0)))",
    "sched_setattr": _INFO + "sc(314,W['PID'],struct.pack('IIQiIQQQ',48,3,0,0,0,0,0,0),0)",
    "setpriority of its group": _INFO + "sc(141,1,W['PID'],7)",
    "ioprio_set of its group": _INFO + "sc(251,2,W['PID'],(2<<13)|6)",
    "setpriority of all that this user runs": _INFO
    + _WITHOUT_CAPABILITIES
    + "r=sc(141,2,0,-20); assert r==-13,r; broke()",
    "get_robust_list": _INFO + "b,c=bytes(8),bytes(8); ok(sc(274,W['PID'],b,c))",
    "a namespace by the process's descriptor": _INFO + "p=os.pidfd_open(W['PID'])\nfor n in range(0xff01,0xff0b):\n"
    " try: fcntl.ioctl(p,n,0); broke()\n except OSError: pass",
    "/proc/PID/task/TID/mem": _INFO + "open(f\"/proc/{W['PID']}/task/{W['PID']}/mem\",'rb').close(); broke()",
    "/proc/PID/pagemap": _INFO + "assert open(f\"/proc/{W['PID']}/pagemap\",'rb').read(8); broke()",
    "/proc/PID/exe": _INFO + "os.readlink(f\"/proc/{W['PID']}/exe\"); broke()",
    "/proc/PID/fdinfo": _INFO + "assert open(f\"/proc/{W['PID']}/fdinfo/{W['VFD']}\").read(); broke()",
    "/proc/PID/autogroup": _INFO + "open(f\"/proc/{W['PID']}/autogroup\",'w').write('0'); broke()",
    "a process by a handle": _INFO
    + "b=ctypes.create_string_buffer(struct.pack('Ii',128,0)+bytes(128)); m=bytes(8); p=os.pidfd_open(W['PID'])\n"
    "assert sc(303,p,b'',b,m,0x1000)==0; ok(sc(304,-10002,b,0))",
    "a namespace by a handle": _INFO
    + "b=ctypes.create_string_buffer(struct.pack('Ii',128,0)+bytes(128)); m=bytes(8); p=os.open('/proc/self/ns/net',0)\n"
    "assert sc(303,p,b'',b,m,0x1000)==0; ok(sc(304,-10003,b,0))",
    "sockets of the whole machine": _INFO + "assert W['ABSTRACT'] in open('/proc/net/unix').read(); broke()",
}
_KERNEL = {
    "clock_adjtime": _INFO + "assert sc(305,0,ctypes.create_string_buffer(256))>=0; broke()",
    "settimeofday to nothing": _INFO + "ok(sc(164,0,0))",
    "quotactl_fd": _INFO + "r=sc(443,os.open('/',0),0x80000700,0,0); assert r not in (-1,-38); broke()",
    "swapoff": _INFO + "assert sc(168,b'/nonexistent')==-2; broke()",
    "umount2": _INFO + "assert sc(166,b'/nonexistent',0)==-2; broke()",
    "reboot with a wrong word": _INFO + "assert sc(169,1,2,0,0)==-22; broke()",
    "fspick": _INFO + "ok(sc(433,-100,b'/',0))",
    "fsconfig": _INFO + "assert sc(431,-1,0,0,0,0) in (-9,-22); broke()",
    "fsmount": _INFO + "assert sc(432,-1,0,0) in (-9,-22); broke()",
    "fanotify_mark": _INFO + "assert sc(301,-1,1,1,-100,b'/') in (-9,-22); broke()",
    "open_tree_attr": _INFO + "ok(sc(467,-100,b'/usr',1,0,0))",
    "setns into its own namespace": _INFO + "ok(sc(308,os.open('/proc/self/ns/uts',0),0))",
    "the network namespace of a socket": _INFO + "x=socket.socket(); ok(sc(16,x.fileno(),0x894c,0))",
    "TCP_REPAIR": _INFO + "socket.socket().setsockopt(6,19,1); broke()",
    "devices of the kernel": _INFO
    + "for n in 'userfaultfd kvm fuse net/tun vhost-vsock vhost-net port loop-control uinput mapper/control vsock snapshot'.split():\n"
    " try: os.open('/dev/'+n,os.O_RDWR); broke()\n except OSError: pass",
}
_TERMINAL = {
    "TIOCLINUX": "import pty; a,b=pty.openpty(); assert sc(16,b,0x541c,b'\\6')==-25; broke()",
    "TIOCLINUX with high bits": "import pty; a,b=pty.openpty(); assert sc(16,b,0x541c|1<<32,b'\\6')==-25; broke()",
    "TIOCSETD with high bits": "import pty; a,b=pty.openpty(); ok(sc(16,b,0x5423|1<<32,bytes(4)))",
    "TIOCVHANGUP": "import pty; a,b=pty.openpty(); ok(sc(16,b,0x5437,0))",
}
_MANY = (
    _INFO + "s=socket.socket\n"
    "def inet(p): return struct.pack('=H',2)+struct.pack('!H',p)+bytes([127,0,0,1])+bytes(8)\n"
    "def many(d,a,f=0):\n"
    " n=ctypes.create_string_buffer(a,len(a)); x=ctypes.create_string_buffer(b'x',1); v=(ctypes.c_size_t*2)(ctypes.addressof(x),1)\n"
    " sc(307,d,struct.pack('=QI4xQQQQi4xI4x',ctypes.addressof(n),len(a),ctypes.addressof(v),1,0,0,0,0),1,f)\n"
)
_SOCKETS = {
    ("tcp", "fast open by sendmmsg"): "x=s(); many(x.fileno(),inet(W['TCP']),0x20000000)",
    ("tcp", "fast open on IPv6"): "s(10).sendto(b'x',0x20000000,('::1',W['TCP6']))",
    ("tcp", "fast open with high bits"): "x=s(); sc(44,x.fileno(),b'x',1,0x20000000|1<<32,inet(W['TCP']),16)",
    ("tcp", "fast open by MPTCP"): "s(2,1,262).sendto(b'x',0x20000000,('127.0.0.1',W['TCP']))",
    ("udp", "sendmmsg"): "x=s(2,2); many(x.fileno(),inet(W['UDP']))",
    ("udp", "IPv4 in IPv6 by sendmsg"): "s(10,2).sendmsg([b'x'],[],0,('::ffff:127.0.0.1',W['UDP']))",
    ("unix socket", "a raw one is a datagram one"): "s(1,3).sendto(b'x',W['UDGRAM'])",
    ("unix socket", "datagram from a raw pair"): "a,b=socket.socketpair(1,3); a.sendto(b'x',W['UDGRAM'])",
    ("unix socket", "datagram with flags"): "s(fileno=sc(41,1,2|0o2004000,1)).sendto(b'x',W['UDGRAM'])",
    ("unix socket", "datagram with high bits"): "s(fileno=sc(41,1|1<<32,2|1<<32,0)).sendto(b'x',W['UDGRAM'])",
    ("unix socket", "datagram by sendmmsg"): "x=s(1,2); many(x.fileno(),struct.pack('=H',1)+W['UDGRAM'].encode()+b'\\0')",
    ("family", "packet by its old name"): "s(2,10,0x300); broke()",
    ("family", "packet for datagrams"): "s(17,2,0x300); broke()",
    ("family", "netlink for datagrams"): "s(16,2,0); broke()",
}  # fmt: skip
_HOOK = "h='.git/hooks/pre-commit'\n"
_ACCESS = "l=struct.pack('<I',2)+b''.join(struct.pack('<HHI',*e) for e in ((1,7,2**32-1),(2,7,1234),(4,5,2**32-1),(16,7,2**32-1),(32,5,2**32-1)))\n"
_PROTECTED = {
    "reopened for writing": "d=os.open(h,0); open(f'/proc/self/fd/{d}','a').write('EVIL')",
    "exchanged": "open('x','w').write('EVIL'); sc(316,-100,b'x',-100,h.encode(),2)",
    "an attribute on the hook": "os.setxattr(h,'user.x',b'EVIL')",
    "an attribute by setxattrat": "b=ctypes.create_string_buffer(b'EVIL'); sc(463,-100,h.encode(),0,b'user.x',struct.pack('QII',ctypes.addressof(b),4,0),16)",
    "an access list on the hook": _ACCESS + "os.setxattr(h,'system.posix_acl_access',l)",
    "an access list for new hooks": _ACCESS + "os.setxattr('.git/hooks','system.posix_acl_default',l)",
    "flags of the hook": "d=os.open(h,0); b=bytearray(8); fcntl.ioctl(d,0x80086601,b); n=struct.unpack('q',b)[0]\n"
    "fcntl.ioctl(d,0x40086602,struct.pack('q',n^0x80)); broke()",
    "a lease on the hook": "fcntl.fcntl(os.open(h,0),1024,0); broke()",
}
_READABLE = "f='/usr/lib/os-release'; d=os.open(f,0)\n"
_ONLY_READABLE = {
    "reopen what may only be read": "os.open(f'/proc/self/fd/{d}',os.O_WRONLY); broke()",
    "a link to what may only be read": "os.link(os.path.realpath(f),'l'); open('l','r+').close(); broke()",
    "times of what may only be read": "t=os.stat(d); os.utime(d,ns=(t.st_atime_ns,t.st_mtime_ns)); broke()",
    "flags of what may only be read": "b=bytearray(8); fcntl.ioctl(d,0x80086601,b); fcntl.ioctl(d,0x40086602,bytes(b)); broke()",
    "a lease on what may only be read": "fcntl.fcntl(d,1024,0); broke()",
    "setxattrat": "b=ctypes.create_string_buffer(b'EVIL'); sc(463,-100,W['VICTIM'].encode(),0,b'user.x',struct.pack('QII',ctypes.addressof(b),4,0),16)",
    "removexattrat": "sc(466,-100,W['VICTIM'].encode(),0,b'user.canary')",
    "file_setattr": "b=ctypes.create_string_buffer(24); v=W['VICTIM'].encode(); assert sc(468,-100,v,b,24,0)==0; ok(sc(469,-100,v,b,24,0))",
    "the file that keeps its output": "import stat; assert stat.S_ISREG(os.fstat(1).st_mode); os.open('/proc/self/fd/1',os.O_WRONLY|os.O_APPEND); broke()",
}
_TRACES = {
    "a rename that leaves a whiteout": "import stat; sc(316,-100,b'inside.txt',-100,b'moved',4); assert stat.S_ISCHR(os.lstat('inside.txt').st_mode); broke()",
    "a file that nobody can remove": "d=os.open('inside.txt',0); b=bytearray(8); fcntl.ioctl(d,0x80086601,b); n=struct.unpack('q',b)[0]\n"
    "fcntl.ioctl(d,0x40086602,struct.pack('q',n|0x10)); fcntl.ioctl(d,0x40086602,struct.pack('q',n)); broke()",
}
_READS = {
    "getxattrat": "b=ctypes.create_string_buffer(64); r=sc(464,-100,W['VICTIM'].encode(),0,b'user.canary',struct.pack('QII',ctypes.addressof(b),64,0),16); assert r>0; print(b.value)",
    "cachestat": "ok(sc(451,os.open(W['VICTIM'],0),bytes(16),bytes(48),0))",
}
_KNOWN_IN_KERNEL = {"sockets of the whole machine"}


def _tables() -> tuple[Attack, ...]:
    made = [py("signal", name, code) for name, code in _SIGNALS.items()]
    for name, code in _PROCESSES.items():
        made.append(py("process", name, code, open_in="kernel" if name in _KNOWN_IN_KERNEL else ""))
    made += [py("kernel", name, code) for name, code in _KERNEL.items()]
    made += [py("terminal", name, code) for name, code in _TERMINAL.items()]
    made += [py(group, name, _MANY + code) for (group, name), code in _SOCKETS.items()]
    made += [py("protected", name, _INFO + _HOOK + code) for name, code in _PROTECTED.items()]
    made += [py("write", name, _INFO + _READABLE + code) for name, code in _ONLY_READABLE.items()]
    made += [py("traces", name, _INFO + code) for name, code in _TRACES.items()]
    made += [py("read", f"with {name}", _INFO + code) for name, code in _READS.items()]
    return tuple(made)


ATTACKS = _tables()
