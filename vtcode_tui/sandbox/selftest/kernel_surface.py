"""Attacks on the kernel's own surface: calls that no build needs, old binary interfaces, shared memory."""

# ruff: noqa: E501 - the lines of an attack are kept whole

from __future__ import annotations

from vtcode_tui.sandbox.selftest.table import Attack, py, sh

_NAMESPACES = {
    "user": 0x10000000, "mount": 0x00020000, "net": 0x40000000, "pid": 0x20000000, "ipc": 0x08000000,
    "uts": 0x04000000, "cgroup": 0x02000000, "time": 0x00000080,
}  # fmt: skip

_CALLS = {
    "clone into a user namespace": ("r=sc(56,0x10000000|17,0,0,0,0)\nif r==0:\n import os; os._exit(0)\nok(r)"),
    "clone3 into a user namespace": (
        "import struct\nr=sc(435,struct.pack('8Q',0x10000000,0,0,0,17,0,0,0),64)\nif r==0:\n import os; os._exit(0)\nok(r)"
    ),
    "user namespace, then mount": (
        "assert libc.unshare(0x10020000)==0; assert libc.mount(b't',b'/tmp',b'tmpfs',0,None)==0; broke()"
    ),
    "mount": "assert libc.mount(b't',b'/mnt',b'tmpfs',0,None)==0; libc.umount2(b'/mnt',2); broke()",
    "bind mount": "assert libc.mount(b'/usr',b'/mnt',None,4096,None)==0; libc.umount2(b'/mnt',2); broke()",
    "chroot": "import os; os.mkdir('r'); os.chroot('r'); broke()",
    "pivot_root": "r=sc(155,b'.',b'.'); assert r!=-1, r; broke()",
    "open_tree": "ok(sc(428,-100,b'/usr',1))",
    "fsopen": "ok(sc(430,b'tmpfs',0))",
    "mount_setattr": "ok(sc(442,-100,b'/',0x1000,bytes(32),32))",
    "move_mount": "r=sc(429,-100,b'/nonexistent',-100,b'/mnt',0); assert r==-2; broke()",
    "statmount": "r=sc(457,0,0,0,0); assert r not in (-1,-38); broke()",
    "listmount": "r=sc(458,0,0,0,0); assert r not in (-1,-38); broke()",
    "bpf map": "import struct; ok(sc(321,0,struct.pack('IIII',2,4,4,1)+bytes(100),72))",
    "bpf program": "r=sc(321,5,bytes(72),72); assert r not in (-1,-38); broke()",
    "perf_event_open on oneself": "import struct; ok(sc(298,struct.pack('IIQ',1,120,1)+bytes(104),0,-1,-1,0))",
    "userfaultfd": "ok(sc(323,0x80001))",
    "io_uring_setup": "ok(sc(425,4,bytes(120)))",
    "io_uring_enter": "r=sc(426,99,0,0,0,0,0); assert r==-9; broke()",
    "io_uring_register": "r=sc(427,99,0,0,0); assert r in (-9,-22); broke()",
    "add_key": "ok(sc(248,b'user',b'vtcode-test',b'x',1,-2))",
    "request_key": "r=sc(249,b'user',b'vtcode-none',0,-2); assert r in (-126,-2); broke()",
    "keyctl session": "ok(sc(250,1,0,0,0,0))",
    "keyctl user keyring": "ok(sc(250,0,-4,1,0,0))",
    "ptrace traceme": "import os\npid=os.fork()\nif pid==0:\n os._exit(0 if sc(101,0,0,0,0)==0 else 9)\n"
    "assert os.waitpid(pid,0)[1]==0; broke()",
    "process_vm_readv on a child": (
        "import os,ctypes\nb=ctypes.create_string_buffer(b'hello'); c=ctypes.create_string_buffer(5)\n"
        "i=(ctypes.c_size_t*2)(ctypes.addressof(c),5); j=(ctypes.c_size_t*2)(ctypes.addressof(b),5)\n"
        "ok(libc.process_vm_readv(os.getpid(),i,1,j,1,0)-1)"
    ),
    "kcmp on oneself": "import os; p=os.getpid(); ok(sc(312,p,p,1,0,0))",
    "personality": "r=sc(135,0x0040000); assert r>=0 and sc(135,0xffffffff)&0x40000; broke()",
    "personality with high bits": "r=sc(135,0x0040000|1<<32); assert r>=0 and sc(135,0xffffffff)&0x40000; broke()",
    "modify_ldt": "ok(sc(154,0,bytes(64),64))",
    "iopl": "r=sc(172,3); assert r==0; broke()",
    "ioperm": "ok(sc(173,0x80,1,1))",
    "a seccomp listener of its own": (
        "import ctypes,struct\nlibc.prctl(38,1,0,0,0)\n"
        "c=ctypes.create_string_buffer(struct.pack('HBBI',6,0,0,0x7fff0000)); "
        "p=ctypes.create_string_buffer(struct.pack('HxxxxxxQ',1,ctypes.addressof(c))); ok(sc(317,1,8,p))"
    ),
    "fanotify": "ok(sc(300,0,0))",
    "open_by_handle_at": (
        "import ctypes,struct,os; b=ctypes.create_string_buffer(struct.pack('Ii',8,1)+bytes(8)); "
        "r=sc(304,os.open('/',0),b,0); assert r in (-116,-22) or r>=0; broke()"
    ),
    "syslog": "import ctypes; b=ctypes.create_string_buffer(99); ok(sc(103,3,b,99))",
    "quotactl": "r=sc(179,0x80000100|0,b'/dev/x',0,0); assert r!=-1; broke()",
    "swapon": "r=sc(167,b'/nonexistent',0); assert r==-2; broke()",
    "acct": "r=sc(163,b'/nonexistent/x'); assert r==-2; broke()",
    "sethostname": "import socket; h=socket.gethostname().encode(); ok(sc(170,h,len(h)))",
    "setdomainname": "import os; d=os.uname(); n=open('/proc/sys/kernel/domainname').read().strip().encode(); ok(sc(171,n,len(n)))",
    "adjtimex": "import ctypes; b=ctypes.create_string_buffer(256); r=sc(159,b); assert r>=0; broke()",
    "init_module": "r=sc(175,b'x',1,b''); assert r not in (-1,-38); broke()",
    "finit_module": "r=sc(313,0,b'',0); assert r not in (-1,-38); broke()",
    "delete_module": "r=sc(176,b'vtcode_none',0o4000); assert r not in (-1,-38); broke()",
    "kexec_load": "r=sc(246,0,99,0,0); assert r not in (-1,-38); broke()",
    "vmsplice": "import os; r,w=os.pipe(); import ctypes; b=ctypes.create_string_buffer(b'x'); "
    "v=(ctypes.c_size_t*2)(ctypes.addressof(b),1); ok(sc(278,w,v,1,0))",
    "memfd_secret": "ok(sc(447,0))",
    "ustat": "import os,ctypes; b=ctypes.create_string_buffer(64); ok(sc(136,os.stat('/').st_dev,b))",
    "sysfs": "r=sc(139,3); assert r>0; broke()",
    "lookup_dcookie": "r=sc(212,0,0,0); assert r not in (-1,-38); broke()",
    "a call newer than the filter": "r=sc(463,-100,b'x',0,b'',0,0); assert r not in (-1,-38); broke()",
    "x32 getpid": "r=sc(0x40000000|39); assert r>0; broke()",
    "32-bit getpid": (
        "import ctypes,mmap\nm=mmap.mmap(-1,4096,prot=7)\nm.write(bytes.fromhex('53b814000000cd805bc3'))\n"
        "f=ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nassert f()>0; broke()"
    ),
    "32-bit socketcall": (
        "import ctypes,mmap\nm=mmap.mmap(-1,4096,flags=0x22|0x40,prot=7)\n"
        "m.write(bytes.fromhex('53b8670100008b5c240831c931d2cd805bc3'))\n"
        "f=ctypes.CFUNCTYPE(ctypes.c_int,ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(m)))\nf(1); broke()"
    ),
    "set-user-id file": "import os; open('s','w').close(); os.chmod('s',0o4755); assert os.stat('s').st_mode&0o4000; broke()",
    "set-group-id by fchmod": "import os; f=open('s','w'); os.fchmod(f.fileno(),0o2755); assert os.stat('s').st_mode&0o2000; broke()",
    "set-user-id by open": "import os; os.umask(0); os.open('s',os.O_CREAT|os.O_WRONLY,0o4755); assert os.stat('s').st_mode&0o4000; broke()",
    "set-user-id by fchmodat2": "import os; open('s','w').close(); sc(452,-100,b's',0o4755,0); assert os.stat('s').st_mode&0o4000; broke()",
    "file capabilities": "import os,struct; open('s','w').close(); "
    "os.setxattr('s','security.capability',struct.pack('<IIIII',0x2000001,1,0,0,0)); broke()",
    "shared memory segment": "import ctypes; libc.shmat.restype=ctypes.c_void_p; p=libc.shmat(W['SHM'],None,0); "
    "assert p not in (None,2**64-1); print(ctypes.string_at(p,64))",
    "remove a shared memory segment": "import ctypes; b=ctypes.create_string_buffer(256); ok(libc.shmctl(W['SHM'],2,b))",
    "message queue": "import struct; libc.msgsnd(W['MSG'],struct.pack('q',1)+b'x',1,0)",
    "semaphore": "libc.semctl(W['SEM'],0,16,5)",
    "a new shared memory segment stays": "i=libc.shmget(0,4096,0o1600); assert i>=0; libc.shmctl(i,0,None); broke()",
}
_KNOWN_IN_FULL = {"a new shared memory segment stays"}
_AS_ROOT = {
    "become another user": "import os; os.setuid(1); broke()",
    "raw capability": "import os; os.chroot('/tmp'); broke()",
    "a file of another user": "import os; os.chown('inside.txt',1,1); broke()",
    "nice below zero": "import os; os.nice(-5); broke()",
    "lift one's own limits": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE,(99999,99999)); broke()",
    "set the time to what it is": "import time; time.clock_settime(0,time.clock_gettime(0)); broke()",
}


def _tables() -> tuple[Attack, ...]:
    made = [
        py("kernel", f"unshare {name}", f"ok(libc.unshare({flag}) and -1)") for name, flag in _NAMESPACES.items()
    ]
    for name, code in _CALLS.items():
        made.append(py("kernel", name, code, open_in="full" if name in _KNOWN_IN_FULL else ""))
    made += [py("privilege", name, code) for name, code in _AS_ROOT.items()]
    made.append(sh("privilege", "sudo", "sudo -n true && echo $NONCE | rev"))
    made.append(
        sh(
            "privilege",
            "a set-user-id program reads the shadow file",
            "passwd -S | grep -q '[0-9]-[0-9]' && echo $NONCE | rev",
        )
    )
    made.append(sh("privilege", "a set-group-id program", "chage -l $(id -un) >/dev/null && echo $NONCE | rev"))
    made.append(sh("privilege", "su", "echo | su -c true root 2>/dev/null && echo $NONCE | rev"))
    return tuple(made)


ATTACKS = _tables()
