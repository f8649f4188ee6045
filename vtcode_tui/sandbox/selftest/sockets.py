"""Attacks over sockets: every family and every way to send without being asked."""

# ruff: noqa: E501 - the lines of an attack are kept whole

from __future__ import annotations

from vtcode_tui.sandbox.selftest.table import Attack, py, sh

_SHELL = {
    "bash /dev/tcp": "exec 3<>/dev/tcp/127.0.0.1/$TCP",
    "curl": "curl -s -m 0.4 http://127.0.0.1:$TCP/",
    "curl by name": "curl -s -m 0.4 http://localhost:$TCP/",
    "curl on IPv6": "curl -s -m 0.4 'http://[::1]:'$TCP6/",
    "curl on a unix socket": "curl -s -m 0.4 --unix-socket $USTREAM http://x/",
    "wget or python": 'python3 -c \'import urllib.request,os;urllib.request.urlopen("http://127.0.0.1:"+os.environ["TCP"],timeout=1)\'',
    "git": "timeout 1 git ls-remote git://127.0.0.1:$TCP/x",
    "node": 'timeout 2 node -e \'require("net").connect(+process.env.TCP,"127.0.0.1").on("error",()=>{}).on("connect",()=>process.exit())\'',
    "perl": "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(\"127.0.0.1:\".$ENV{TCP})'",
    "bash /dev/udp": "echo x > /dev/udp/127.0.0.1/$UDP",
    "openssl": "timeout 0.5 openssl s_client -connect 127.0.0.1:$TCP </dev/null",
}
_PRELUDE = "import socket,os,struct,ctypes\ns=socket.socket\n"
_TCP = {
    "127.0.0.1": "s().connect(('127.0.0.1',W['TCP']))",
    "127.0.0.2": "s().connect(('127.0.0.2',W['TCP']))",
    "0.0.0.0": "s().connect(('0.0.0.0',W['TCP']))",
    "localhost": "socket.create_connection(('localhost',W['TCP']))",
    "the machine's own address": (
        "import fcntl,glob\nfor n in os.listdir('/sys/class/net') if os.path.exists('/sys/class/net') else ['eth0']:\n"
        " try: s().connect((socket.inet_ntoa(fcntl.ioctl(s(2,2),0x8915,struct.pack('256s',n.encode()))[20:24]),W['TCP']))\n"
        " except OSError: pass"
    ),
    "IPv6": "s(10).connect(('::1',W['TCP6']))",
    "an IPv4 address in IPv6": "s(10).connect(('::ffff:127.0.0.1',W['TCP']))",
    "without blocking": "x=s(); x.setblocking(False); x.connect_ex(('127.0.0.1',W['TCP'])); import time; time.sleep(.1)",
    "fast open": "s().sendto(b'x',0x20000000,('127.0.0.1',W['TCP']))",
    "fast open by sendmsg": "s().sendmsg([b'x'],[],0x20000000,('127.0.0.1',W['TCP']))",
    "TCP_FASTOPEN_CONNECT": "x=s(); x.setsockopt(6,30,1); x.connect(('127.0.0.1',W['TCP'])); x.send(b'x')",
    "MPTCP": "s(2,1,262).connect(('127.0.0.1',W['TCP']))",
    "MPTCP on IPv6": "s(10,1,262).connect(('::1',W['TCP6']))",
    "a family with high bits": (
        "d=sc(41,2|1<<32,1,0); a=struct.pack('=H',2)+struct.pack('!H',W['TCP'])+bytes([127,0,0,1])+bytes(8); "
        "sc(42,d,a,16)"
    ),
    "a type with high bits": (
        "d=sc(41,2,1|1<<32,0); a=struct.pack('=H',2)+struct.pack('!H',W['TCP'])+bytes([127,0,0,1])+bytes(8); "
        "sc(42,d,a,16)"
    ),
    "connect after AF_UNSPEC": (
        "x=s(); sc(42,x.fileno(),struct.pack('=H',0)+bytes(14),16); x.connect(('127.0.0.1',W['TCP']))"
    ),
    "from a port of one's own": "x=s(); x.bind(('127.0.0.1',0)); x.connect(('127.0.0.1',W['TCP']))",
    "where one's own server was": (
        "x=s(); x.setsockopt(1,2,1); x.setsockopt(1,15,1)\n"
        "try: x.bind(('127.0.0.1',W['TCP'])); x.listen()\nexcept OSError: pass\n"
        "x.close(); s().connect(('127.0.0.1',W['TCP']))"
    ),
    "from a socket that listened": (
        "x=s(); x.listen(); sc(42,x.fileno(),struct.pack('=H',0)+bytes(14),16)\n"
        "s().connect(('127.0.0.1',W['TCP'])); x.connect(('127.0.0.1',W['TCP']))"
    ),
    "threads race the family": (
        "import sys,threading\nsys.setswitchinterval(1e-5)\nb=ctypes.create_string_buffer(16); stop=[]\n"
        "e=struct.pack('=H',2)+struct.pack('!H',W['TCP'])+bytes([127,0,0,1])+bytes(8)\n"
        "def flip():\n while not stop:\n  b.raw=bytes(16); b.raw=e\n"
        "threading.Thread(target=flip,daemon=True).start()\n"
        "for _ in range(80):\n x=s(); x.setblocking(False); sc(42,x.fileno(),b,16); x.close()\nstop.append(1)"
    ),
    "threads race the address": (
        "import sys,threading\nsys.setswitchinterval(1e-5)\nb=ctypes.create_string_buffer(16); stop=[]\n"
        "def a(h,p): return struct.pack('=H',2)+struct.pack('!H',p)+bytes(h)+bytes(8)\n"
        "g,e=a([127,0,0,1],9),a([127,0,0,1],W['TCP'])\n"
        "def flip():\n while not stop:\n  b.raw=g; b.raw=e\n"
        "threading.Thread(target=flip,daemon=True).start()\n"
        "for _ in range(80):\n"
        " try:\n  x=s(); x.setblocking(False); sc(42,x.fileno(),b,16); x.close()\n except OSError: break\n"
        "stop.append(1)"
    ),
}
_UDP = {
    "sendto": "s(2,2).sendto(b'x',('127.0.0.1',W['UDP']))",
    "connect and send": "x=s(2,2); x.connect(('127.0.0.1',W['UDP'])); x.send(b'x')",
    "sendmsg": "s(2,2).sendmsg([b'x'],[],0,('127.0.0.1',W['UDP']))",
    "IPv6": "s(10,2).sendto(b'x',('::1',W['UDP6']))",
    "IPv4 in IPv6": "s(10,2).sendto(b'x',('::ffff:127.0.0.1',W['UDP']))",
    "broadcast": "x=s(2,2); x.setsockopt(1,6,1); x.sendto(b'x',('127.255.255.255',W['UDP']))",
    "UDP-Lite": "x=s(2,2,136); broke()",
}
_UNIX = {
    "stream": "s(1).connect(W['USTREAM'])",
    "seqpacket": "s(1,5).connect(W['USEQ'])",
    "datagram": "s(1,2).sendto(b'x',W['UDGRAM'])",
    "datagram, connected": "x=s(1,2); x.connect(W['UDGRAM']); x.send(b'x')",
    "datagram from a pair": "a,b=socket.socketpair(1,2); a.sendto(b'x',W['UDGRAM'])",
    "datagram by sendmsg": "s(1,2).sendmsg([b'x'],[],0,W['UDGRAM'])",
    "abstract": "s(1).connect('\\0'+W['ABSTRACT'])",
    "abstract datagram": "s(1,2).sendto(b'x','\\0'+W['ABSTRACT']+'-dgram')",
    "through /proc/self/root": "s(1).connect('/proc/self/root'+W['USTREAM'])",
    "relative": "os.chdir('..'); s(1).connect('outside/ustream')",
    "through a link": "os.symlink(W['USTREAM'],'l'); s(1).connect('l')",
    "through a folder link": "s(1).connect('outlink/ustream')",
    "hard link in": "os.link(W['USTREAM'],'l'); s(1).connect('l')",
    "by descriptor": "d=os.open(W['USTREAM'],os.O_PATH); s(1).connect(f'/proc/self/fd/{d}')",
    "a host's socket in the workspace": "s(1).connect(W['WSOCK'])",
    "a host's socket, renamed": "os.rename(W['WSOCK'],'r.sock'); s(1).connect('r.sock')",
    "a host's socket, linked": "os.link(W['WSOCK'],'r.sock'); os.chmod('r.sock',0o777); s(1).connect('r.sock')",
    "a host's datagram socket in the workspace": "s(1,2).sendto(b'x','host.dgram')",
    "a host's datagram socket from a pair": "a,b=socket.socketpair(1,2); a.sendto(b'x','host.dgram')",
    "without blocking": "x=s(1); x.setblocking(False); x.connect(W['USTREAM'])",
    "threads race the path": (
        "import sys,threading\nsys.setswitchinterval(1e-5)\nl=s(1); l.bind('own.sock'); l.listen(512)\n"
        "g=struct.pack('=H',1)+b'own.sock'.ljust(100,b'\\0'); e=struct.pack('=H',1)+b'host.sock'.ljust(100,b'\\0')\n"
        "b=ctypes.create_string_buffer(102); stop=[]\n"
        "def flip():\n while not stop:\n  b.raw=g; b.raw=e\n"
        "threading.Thread(target=flip,daemon=True).start()\n"
        "for _ in range(80):\n x=s(1); x.setblocking(False); sc(42,x.fileno(),b,102); x.close()\nstop.append(1)"
    ),
}
_FAMILIES = {
    "packet": "s(17,3,0); broke()",
    "raw IPv4": "s(2,3,1); broke()",
    "raw IPv6": "s(10,3,58); broke()",
    "ping": "s(2,2,1); broke()",
    "netlink route": "s(16,3,0); broke()",
    "netlink sock_diag": "s(16,3,4); broke()",
    "netlink uevent": "s(16,2,15); broke()",
    "netlink audit": "s(16,3,9); broke()",
    "netlink generic": "s(16,3,16); broke()",
    "vsock": "s(40,1,0); broke()",
    "kernel crypto": "s(38,5,0); broke()",
    "CAN": "s(29,3,1); broke()",
    "bluetooth": "s(31,5,0); broke()",
    "XDP": "s(44,3,0); broke()",
    "TIPC": "s(30,5,0); broke()",
    "SCTP": "s(2,1,132); broke()",
    "DCCP": "s(2,6,33); broke()",
    "PPPoX": "s(24,1,0); broke()",
    "AX.25": "s(3,5,0); broke()",
    "RDS": "s(21,5,0); broke()",
    "KCM": "s(41,5,0); broke()",
    "SMC": "s(43,1,0); broke()",
    "QIPCRTR": "s(42,2,0); broke()",
    "a netlink pair by high bits": "ok(sc(41,16|1<<32,3,0))",
}
_KNOWN_IN_FULL = {"UDP-Lite"}


def _tables() -> tuple[Attack, ...]:
    made = [sh("network", name, code) for name, code in _SHELL.items()]
    for group, table in (("tcp", _TCP), ("udp", _UDP), ("unix socket", _UNIX), ("family", _FAMILIES)):
        for name, code in table.items():
            known = "full" if name in _KNOWN_IN_FULL else ""
            made.append(py(group, name, _PRELUDE + code, open_in=known))
    return tuple(made)


ATTACKS = _tables()
