# ruff: noqa: E501 - scripts are kept whole
"""Modes, owners, times and attributes: a run changes them where it may write and nowhere else, as any program does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sandbox.conftest import Finish, grant_for
from vtcode_tui.sandbox import Profile

pytestmark = pytest.mark.kernel

ORDINARY = {
    "modes": "os.chmod('f',0o640); assert mode('f')==0o640; os.chmod('d/../f',0o604); assert mode('f')==0o604",
    "modes by folder": "d=os.open('d',os.O_RDONLY); open('d/g','w'); os.chmod('g',0o600,dir_fd=d); assert mode('d/g')==0o600",
    "modes by descriptor": "d=os.open('f',0); os.fchmod(d,0o600); os.chmod(f'/proc/self/fd/{d}',0o611); assert mode('f')==0o611",
    "times": "os.utime('f',(1,2)); assert os.stat('f').st_mtime==2; os.utime('f'); assert os.stat('f').st_mtime>2",
    "times by descriptor": "os.utime(os.open('f',0),(3,4)); assert os.stat('f').st_mtime==4",
    "times of a link": "os.symlink('f','l'); os.utime('l',(7,8),follow_symlinks=False); assert os.lstat('l').st_mtime==8!=os.stat('f').st_mtime",
    "times through a link": "os.symlink('f','l'); os.utime('l',(7,8)); assert os.stat('f').st_mtime==8",
    "owners": "os.chown('f',os.getuid(),-1); os.lchown('f',-1,-1); os.fchown(os.open('f',0),-1,os.getgid())",
    "attributes": "os.setxattr('f','user.a',b'v'*3000); assert os.getxattr('f','user.a')==b'v'*3000; os.removexattr('f','user.a')",
    "attributes by descriptor": "d=os.open('f',0); os.setxattr(d,'user.b',b''); os.removexattr(d,'user.b')",
    "unnamed files": "import tempfile\nwith tempfile.TemporaryFile() as t: os.fchmod(t.fileno(),0o600)\nr,w=os.pipe(); os.fchmod(w,0o600); os.fchmod(os.memfd_create('x'),0o600)",
    "errors": (
        "import errno\n"
        "for call,expected in ((lambda: os.chmod('none',0o600),errno.ENOENT),(lambda: os.fchmod(77,0o600),errno.EBADF),"
        "(lambda: os.chmod('f/x',0o600),errno.ENOTDIR),(lambda: os.removexattr('f','user.none'),errno.ENODATA),"
        "(lambda: os.chmod('x'*300,0o600),errno.ENAMETOOLONG),(lambda: os.chmod('f',0o4755),errno.EPERM)):\n"
        " try: call(); raise AssertionError\n except OSError as e: assert e.errno==expected,(e,expected)"
    ),
}


async def test_metadata_in_the_workspace_can_be_changed(finish: Finish, profile: Profile) -> None:
    prelude = "import os\nmode=lambda p: os.stat(p).st_mode&0o7777\nopen('f','w').write('x'); os.mkdir('d')\n"
    codes = {name: prelude + code for name, code in ORDINARY.items()}
    (profile.workspace / "codes.json").write_text(json.dumps(codes))
    each = (
        "for name,code in json.load(open('codes.json')).items():\n"
        " os.mkdir(name); pid=os.fork()\n"
        " if pid==0: os.chdir(name); exec(code,{}); os._exit(0)\n"
        " if os.waitpid(pid,0)[1]: print('failed:',name,flush=True)\n"
    )
    text, outcome = await finish(grant_for(profile, "python3", "-c", "import os,json\n" + each))
    assert (text, outcome.exit_code) == ("", 0), text


async def test_archives_keep_modes_and_times(finish: Finish, profile: Profile) -> None:
    script = (
        "set -e; mkdir d; echo x > d/f; ln -s f d/l; chmod 640 d/f; touch -h -d 2001-01-01 d/l; touch -d 2002-02-02 d/f; "
        "tar cf t.tar d; mkdir e; tar xpf t.tar -C e; cp -a d g; install -m 711 d/f h; "
        "for p in d e/d g; do stat -c '%a %Y' $p/f $p/l; done | sort | uniq -c | awk '{print $1}' | tr '\\n' ' '"
    )
    text, outcome = await finish(grant_for(profile, "bash", "-c", script))
    assert (text, outcome.exit_code) == ("3 3 ", 0), text


OUTSIDE = {
    "chmod": "os.chmod(T,0o777)",
    "chmod of a folder": "os.chmod(os.path.dirname(T),0o777)",
    "chmod by a relative path": "os.chdir(os.path.dirname(T)); os.chmod('victim',0o777)",
    "chmod through a link": "os.symlink(T,'l'); os.chmod('l',0o777)",
    "chmod through a linked folder": "os.symlink(os.path.dirname(T),'k'); os.chmod('k/victim',0o777)",
    "chmod through dots": "os.chmod('d/../../../outside/victim',0o777)",
    "fchmod of a file open for reading": "os.fchmod(os.open(T,0),0o777)",
    "chmod by /proc/self/fd": "d=os.open(T,os.O_PATH); os.chmod(f'/proc/self/fd/{d}',0o777)",
    "chmod by the number of the process": "d=os.open(T,os.O_PATH); os.chmod(f'/proc/{os.getpid()}/fd/{d}',0o777)",
    "chmod by another's descriptors": "os.chmod('/proc/self/root'+T,0o777)",
    "chmod by /proc/self/cwd": "os.chdir(os.path.dirname(T)); os.chmod('/proc/self/cwd/victim',0o777)",
    "fchmodat2 with an empty path": "libc.syscall(452,os.open(T,os.O_PATH),b'',0o777,0x1000)",
    "fchownat with an empty path": "libc.fchownat(os.open(T,os.O_PATH),b'',os.getuid(),os.getgid(),0x1000); os.utime(os.open(T,0),(1,1))",
    "futimens": "os.utime(os.open(T,0),(1,1))",
    "utime of the folder": "os.utime(os.path.dirname(T),(1,1))",
    "utimes": "libc.utimes(T.encode(),struct.pack('4q',1,1,1,1))",
    "utime": "libc.syscall(132,T.encode(),struct.pack('2q',1,1))",
    "futimesat": "libc.syscall(261,-100,T.encode(),struct.pack('4q',1,1,1,1))",
    "touch now": "os.utime(T)",
    "setxattr": "os.setxattr(T,'user.x',b'y')",
    "fsetxattr": "os.setxattr(os.open(T,0),'user.x',b'y')",
    "removexattr": "os.removexattr(T,'user.canary')",
    "fremovexattr": "os.removexattr(os.open(T,0),'user.canary')",
    "inode flags": "fcntl.ioctl(os.open(T,0),0x40086602,struct.pack('l',0x40))",
    "threads race the path": (
        "import threading,ctypes,sys\nsys.setswitchinterval(1e-5)\nb=ctypes.create_string_buffer(300); stop=[]\n"
        "def flip():\n while not stop:\n  b.value=b'f'; b.value=T.encode()\n"
        "threading.Thread(target=flip,daemon=True).start()\n"
        "for _ in range(N):\n libc.chmod(b,0o777)\n if open_now(): break\nstop.append(1)"
    ),
    "threads race the descriptor": (
        "import threading,sys\nsys.setswitchinterval(1e-5)\ni,o=os.open('f',0),os.open(T,0); os.dup2(i,90); stop=[]\n"
        "def flip():\n while not stop:\n  os.dup2(i,90); os.dup2(o,90)\n"
        "threading.Thread(target=flip,daemon=True).start()\n"
        "for _ in range(N):\n libc.fchmod(90,0o777)\n if open_now(): break\nstop.append(1)"
    ),
    "threads race a link": (
        "import threading,sys\nsys.setswitchinterval(1e-5)\nstop=[]\n"
        "def flip():\n while not stop:\n  for t in ('f',T):\n   os.symlink(t,'l2'); os.rename('l2','l1')\n"
        "threading.Thread(target=flip,daemon=True).start()\n"
        "for _ in range(N):\n libc.chmod(b'l1',0o777)\n if open_now(): break\nstop.append(1)"
    ),
}


def _state(path: Path) -> tuple[object, ...]:
    known = path.stat()
    names = sorted(os.listxattr(path))
    return known.st_mode, known.st_uid, known.st_gid, known.st_mtime_ns, known.st_ctime_ns, names


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    place = tmp_path / "outside" / "victim"
    place.parent.mkdir()
    place.write_text("victim")
    place.chmod(0o644)
    os.setxattr(place, "user.canary", b"x")
    for path in (place, place.parent):
        os.utime(path, (5, 5))
    return place


def _attacks(victim: Path, tries: int) -> str:
    """A program that carries out each attack and says which changed the file, as far as it can see."""
    prelude = (
        "import os,struct,fcntl,ctypes,sys\nlibc=ctypes.CDLL(None,use_errno=True)\n"
        f"T={str(victim)!r}; N={tries}\nopen_now=lambda: os.stat(T).st_mode&0o777==0o777\n"
        "def seen():\n"
        " return [(s.st_mode,s.st_mtime_ns,os.listxattr(p)) for p in (T,os.path.dirname(T)) for s in [os.stat(p)]]\n"
        "def reset():\n"
        " for act in (lambda: os.chmod(T,0o644), lambda: os.chmod(os.path.dirname(T),0o755),\n"
        "  lambda: os.setxattr(T,'user.canary',b'x'), lambda: os.removexattr(T,'user.x'),\n"
        "  lambda: os.utime(T,(5,5)), lambda: os.utime(os.path.dirname(T),(5,5))):\n"
        "  try: act()\n"
        "  except OSError: pass\n"
    )
    each = (
        "for name,code in CODES.items():\n"
        " reset(); os.mkdir(name.replace('/','-')); before=seen(); pid=os.fork()\n"
        " if pid==0:\n"
        "  os.dup2(os.open('/dev/null',1),2); os.chdir(name.replace('/','-'))\n"
        "  open('f','w').close(); os.mkdir('d'); exec(code,globals()); os._exit(0)\n"
        " os.waitpid(pid,0)\n"
        " if seen()!=before: print(name,flush=True)\n"
    )
    return prelude + f"CODES={OUTSIDE!r}\n" + each


async def test_metadata_of_a_file_that_may_be_read_but_not_written_stays(
    finish: Finish, profile: Profile, victim: Path
) -> None:
    before = _state(victim), _state(victim.parent)
    readable = replace(profile, readable=(victim.parent,))
    text, outcome = await finish(grant_for(readable, "python3", "-c", _attacks(victim, 500)))
    assert (text, outcome.exit_code) == ("", 0)
    assert (_state(victim), _state(victim.parent)) == before


def test_the_same_changes_work_without_a_sandbox(workspace: Path, victim: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _attacks(victim, 10**7)],
        cwd=workspace,
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(OUTSIDE) - set(done.stdout.splitlines()) <= {"inode flags"}  # not every file system has them


@pytest.mark.parametrize("tier", ["kernel"], indirect=True)
async def test_a_refused_change_is_named(finish: Finish, profile: Profile, victim: Path) -> None:
    _text, outcome = await finish(grant_for(profile, "chmod", "777", str(victim)))
    (told,) = [d for d in outcome.denials if d.audience == "all"]
    assert (told.kind, told.detail) == ("path", f"fchmodat {victim}")
    assert f"--write {victim}" in told.remedy
