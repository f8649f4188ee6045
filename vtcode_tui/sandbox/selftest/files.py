"""Attacks on files outside: reading, listing, writing, metadata, links, pipes."""

# ruff: noqa: E501 - the lines of an attack are kept whole

from __future__ import annotations

from vtcode_tui.sandbox.selftest.table import Attack, py, sh

_FORMS = {
    "absolute": "$OUT",
    "dot dot": "../outside",
    "through a link in the workspace": "outlink",
    "twice dot dot": "$WS/.git/../../outside",
    "/proc/self/root": "/proc/self/root$OUT",
    "/proc/self/cwd": "/proc/self/cwd/../outside",
    "/proc/PPID/root": "/proc/$PPID/root$OUT",
    "/proc/1/root": "/proc/1/root$OUT",
    "/proc/victim/cwd": "/proc/$PID/cwd",
    "/proc/victim/root": "/proc/$PID/root$OUT",
    "double slashes": "//$OUT//",
    "/dev/fd": "/dev/fd/../cwd/../outside",
}

_READERS = {
    "cat": "cat $SECRET",
    "head": "head -c 100 $SECRET",
    "tail -f": "timeout 1 tail -n 5 -f $SECRET",
    "sed": "sed -n p $SECRET",
    "awk": "awk '{print}' $SECRET",
    "perl": "perl -ne print $SECRET",
    "dd": "dd if=$SECRET 2>/dev/null",
    "cp and read": "cp $SECRET x; cat x",
    "install and read": "install $SECRET x; cat x",
    "tar": "tar -cf - -C $OUT secret | tar -xOf -",
    "grep -r": "grep -rh tk $OUT",
    "diff": "diff $SECRET /dev/null",
    "sort": "sort $SECRET",
    "mapfile": "mapfile -t a < $SECRET; echo ${a[0]}",
    "bash $(<file)": "echo $(<$SECRET)",
    "read": "read -r x < $SECRET; echo $x",
    "source": ". $OUT/run.sh",
    "run it": "$OUT/run.sh || sh $OUT/run.sh",
    "the loader runs a copy": "/lib64/ld-linux-x86-64.so.2 /bin/cat $SECRET",
    "git diff --no-index": "git diff --no-index /dev/null $SECRET",
    "git hash-object": "git init -q r; cd r; git hash-object -w $SECRET | xargs git cat-file -p",
    "link and read": "ln -s $SECRET s; cat s",
    "hard link and read": "ln $SECRET h && cat h",
    "rename in and read": "mv $SECRET m && cat m",
    "xargs -a": "xargs -a $SECRET echo",
    "find -exec": "find $OUT -name secret -exec cat {} +",
    "od": "od -An -c $SECRET | tr -d ' \\n'",
    "make include": "printf 'include %s\\n' $SECRET > Makefile; make 2>&1",
    "gcc include": 'echo "#include \\"$SECRET\\"" | gcc -E - 2>&1',
    "python -c": "python3 -c 'print(open(\"'$SECRET'\").read())'",
    "node": 'node -e \'console.log(require("fs").readFileSync(process.env.SECRET,"utf8"))\'',
    "curl file://": "curl -s file://$SECRET",
    "background then wait": "cat $SECRET & wait",
}

_SYSCALL_READS = {
    "mmap": "import mmap; f=open(W['SECRET'],'rb'); print(mmap.mmap(f.fileno(),0,access=1)[:])",
    "sendfile": "import os; d=os.open(W['SECRET'],0); os.sendfile(1,d,0,100)",
    "copy_file_range": (
        "import os; d=os.open(W['SECRET'],0); t=os.open('t',os.O_RDWR|os.O_CREAT,0o600)\n"
        "os.copy_file_range(d,t,100); print(os.pread(t,100,0))"
    ),
    "a folder descriptor": "import os; d=os.open(W['OUT'],os.O_PATH); print(os.read(os.open('secret',0,dir_fd=d),99))",
    "O_PATH then /proc/self/fd": "import os; d=os.open(W['SECRET'],os.O_PATH); print(open(f'/proc/self/fd/{d}').read())",
    "openat2": (
        "import struct,os; print(os.read(sc(437,-100,W['SECRET'].encode(),struct.pack('QQQ',0,0,0),24),99))"
    ),
    "chdir then open": "import os; os.chdir(W['OUT']); print(open('secret').read())",
    "fchdir": "import os; os.fchdir(os.open(W['OUT'],os.O_PATH)); print(open('secret').read())",
    "an inherited descriptor": (
        "import os\nfor d in range(3,200):\n try: print(os.pread(d,200,0))\n except OSError: pass"
    ),
    "an inherited folder": (
        "import os\nfor d in range(3,200):\n"
        " try: print(os.read(os.open(W['SECRET'].lstrip('/'),0,dir_fd=d),99))\n except OSError: pass"
    ),
    "listing names": "import os; print(os.listdir(W['OUT']))",
    "glob": "import glob; print(glob.glob(W['OUT']+'/*'))",
    "scandir by descriptor": "import os; print(os.listdir(os.open(W['OUT'],0)))",
    "a link's target": "import os; print(os.readlink(W['OUT']+'/link'))",
    "an extended attribute": "import os; print(os.getxattr(W['VICTIM'],'user.canary'))",
    "the victim's descriptor": "print(open(f\"/proc/{W['PID']}/fd/{W['VFD']}\").read())",
    "map_files of the victim": "import os; print(os.listdir(f\"/proc/{W['PID']}/map_files\")); broke()",
    "import a module": "import sys; sys.path.insert(0,W['OUT']); import runpy; runpy.run_path(W['SECRET'])",
    "sqlite attach": "import sqlite3; sqlite3.connect('file:'+W['VICTIM']+'?mode=ro',uri=True).execute('select 1 from x')",
    "name_to_handle_at": (
        "import ctypes,struct; b=ctypes.create_string_buffer(struct.pack('Ii',128,0)+bytes(128)); "
        "m=ctypes.create_string_buffer(8); ok(sc(303,-100,W['SECRET'].encode(),b,m,0))"
    ),
    "inotify": "i=libc.inotify_init1(0); ok(libc.inotify_add_watch(i,W['OUT'].encode(),0xfff))",
    "stat": "import os; os.stat(W['SECRET']); broke()",
    "statx by folder": "import os; os.stat(W['OUT']+'/folder/child'); broke()",
    "access": "import os; assert os.access(W['SECRET'],os.F_OK); broke()",
}
_METADATA_READS = {"an extended attribute", "inotify", "stat", "statx by folder", "access", "a link's target"}

_WRITERS = {
    "echo >": "echo x > $VICTIM",
    "echo >>": "echo x >> $VICTIM",
    ">|": "set -C; echo x >| $VICTIM",
    "tee": "echo x | tee $VICTIM",
    "cp over": "cp inside.txt $VICTIM",
    "cp new": "cp inside.txt $OUT/new",
    "mv over": "mv inside.txt $VICTIM",
    "mv out": "mv $VICTIM stolen",
    "mv within": "mv $VICTIM $OUT/renamed",
    "rm": "rm -f $VICTIM",
    "rm -rf": "rm -rf $OUT/folder",
    "mkdir": "mkdir $OUT/made",
    "rmdir": "rm $OUT/folder/child; rmdir $OUT/folder",
    "touch new": "touch $OUT/new",
    "ln -s": "ln -s /etc/passwd $OUT/new",
    "ln -sf over": "ln -sf /etc/passwd $VICTIM",
    "ln out": "ln inside.txt $OUT/hard",
    "ln in and write": "ln $VICTIM h && echo x > h",
    "mkfifo": "mkfifo $OUT/new",
    "dd": "dd if=/dev/zero of=$VICTIM bs=1 count=5 conv=notrunc",
    "truncate": "truncate -s 0 $VICTIM",
    "fallocate": "fallocate -l 4096 $VICTIM",
    "sed -i": "sed -i s/v/X/ $VICTIM",
    "perl -i": "perl -pi -e s/v/X/ $VICTIM",
    "install": "install inside.txt $OUT/new",
    "tar -C": "tar -cf - inside.txt | tar -xf - -C $OUT",
    "tar with an absolute name": "tar -P --transform s,inside.txt,$OUT/new, -cf t.tar inside.txt; tar -P -xf t.tar",
    "git init": "git init -q $OUT/repo",
    "git worktree": "git init -q r; git -C r -c user.name=n -c user.email=e commit -q --allow-empty -m m; "
    "git -C r worktree add -q $OUT/tree",
    "patch": "printf -- '--- a\\n+++ b\\n@@ -1 +1 @@\\n-victim\\n+X\\n' | patch $VICTIM",
    "awk": 'awk \'BEGIN{print "x" > ENVIRON["VICTIM"]}\'',
    "python": 'python3 -c \'open("\'$VICTIM\'","w").write("x")\'',
    "node": 'node -e \'require("fs").writeFileSync(process.env.VICTIM,"x")\'',
    "chmod": "chmod 777 $VICTIM",
    "chmod the folder": "chmod 700 $OUT/folder",
    "chown": "chown 1 $VICTIM || chgrp 1 $VICTIM || chmod 751 $VICTIM",
    "touch -d": "touch -d 2001-01-01 $VICTIM",
    "setfattr": 'python3 -c \'import os;os.setxattr(os.environ["VICTIM"],"user.x",b"y")\'',
    "remove an attribute": 'python3 -c \'import os;os.removexattr(os.environ["VICTIM"],"user.canary")\'',
    "fifo": "timeout 2 sh -c 'echo x > $FIFO'",
    "through a link in the workspace": "echo x > outlink/victim",
    "through a new link": "ln -s $OUT o; echo x > o/victim",
    "nested link": "mkdir a; ln -s ../outlink a/b; echo x > a/b/new",
    "rsync style": "cp -rp $WS/. $OUT/",
    "a file in the real home of root": "echo x > /proc/1/root$VICTIM",
}

_SYSCALL_WRITES = {
    "O_TRUNC": "import os; os.open(W['VICTIM'],os.O_WRONLY|os.O_TRUNC)",
    "O_RDONLY|O_TRUNC": "import os; os.open(W['VICTIM'],os.O_TRUNC)",
    "truncate(2)": "import os; os.truncate(W['VICTIM'],0)",
    "O_TMPFILE and linkat": (
        "import os; d=os.open(W['OUT'],os.O_TMPFILE|os.O_WRONLY,0o600); os.write(d,b'x')\n"
        "os.link(f'/proc/self/fd/{d}',W['OUT']+'/new',follow_symlinks=True)"
    ),
    "linkat a temporary file out": (
        "import os; d=os.open('.',os.O_TMPFILE|os.O_WRONLY,0o600); os.write(d,b'x')\n"
        "libc.linkat(-100,f'/proc/self/fd/{d}'.encode(),-100,(W['OUT']+'/new').encode(),0x400)"
    ),
    "RENAME_EXCHANGE": "sc(316,-100,b'inside.txt',-100,W['VICTIM'].encode(),2)",
    "RENAME_NOREPLACE": "sc(316,-100,b'inside.txt',-100,(W['OUT']+'/new').encode(),1)",
    "a shared mapping": (
        "import mmap; f=open(W['VICTIM'],'r+b'); m=mmap.mmap(f.fileno(),0); m[0:1]=b'X'; m.flush()"
    ),
    "a folder descriptor": "import os; os.mkdir('new',dir_fd=os.open(W['OUT'],os.O_PATH))",
    "unlinkat by descriptor": "import os; os.unlink('victim',dir_fd=os.open(W['OUT'],os.O_PATH))",
    "reopen O_PATH for writing": (
        "import os; d=os.open(W['VICTIM'],os.O_PATH); os.write(os.open(f'/proc/self/fd/{d}',os.O_WRONLY),b'X')"
    ),
    "fchmodat": "import os; os.chmod('victim',0o640,dir_fd=os.open(W['OUT'],os.O_PATH))",
    "fchmod by O_RDONLY": "import os; os.fchmod(os.open(W['VICTIM'],0),0o604)",
    "chmod /proc/self/fd": "import os; d=os.open(W['VICTIM'],os.O_PATH); os.chmod(f'/proc/self/fd/{d}',0o640)",
    "fchmodat2": "sc(452,-100,W['VICTIM'].encode(),0o640,0)",
    "utimensat": "import os; os.utime('victim',(1,1),dir_fd=os.open(W['OUT'],os.O_PATH))",
    "lchown the link": "import os; os.lchown(W['OUT']+'/link',os.getuid(),os.getgid()); os.utime(W['VICTIM'],(5,5))",
    "mknod": "import os; os.mknod(W['OUT']+'/new',0o600)",
    "bind a socket outside": "import socket; socket.socket(socket.AF_UNIX).bind(W['OUT']+'/new')",
    "two threads race a link": (
        "import os,threading\nstop=[]\n"
        "def flip():\n"
        " while not stop:\n"
        "  for t in (W['WS'],W['OUT']):\n"
        "   try: os.symlink(t,'l2'); os.rename('l2','l1')\n"
        "   except OSError: pass\n"
        "threading.Thread(target=flip,daemon=True).start()\n"
        "for _ in range(400):\n"
        " try: open('l1/raced','w').close()\n"
        " except OSError: pass\n"
        "stop.append(1)"
    ),
}

_OTHER = (
    sh("read", "the shadow file", "head -c1 /etc/shadow >/dev/null && echo $NONCE | rev"),
    sh("read", "machine-id", "head -c1 /etc/machine-id >/dev/null && echo $NONCE | rev"),
    sh("read", "the real home folder's names", "ls -d /root/.b* /home/*/.b* >/dev/null 2>&1 && echo $NONCE | rev"),
    sh("read", "raw disk", "head -c1 /dev/[svx]da >/dev/null 2>&1 && echo $NONCE | rev"),
    sh("read", "kernel messages", "timeout 1 head -c1 /dev/kmsg >/dev/null 2>&1 && echo $NONCE | rev"),
    sh("read", "physical memory", "head -c1 /dev/mem >/dev/null 2>&1 && echo $NONCE | rev"),
    sh("read", "kcore", "head -c1 /proc/kcore >/dev/null 2>&1 && echo $NONCE | rev"),
    sh("write", "a kernel setting", "v=$(cat /proc/sys/kernel/domainname); echo $v > /proc/sys/kernel/domainname "
       "&& echo $NONCE | rev"),
    sh("write", "core_pattern", "exec 3>>/proc/sys/kernel/core_pattern && echo $NONCE | rev"),
    sh("write", "sysrq", "exec 3>/proc/sysrq-trigger && echo $NONCE | rev"),
    sh("write", "sysfs", "for f in /sys/kernel/mm/*/* /sys/module/*/parameters/*; do [ -f $f ] && { exec 3>>$f; } "
       "2>/dev/null && { echo $NONCE | rev; break; }; done"),
    sh("write", "a cgroup", "mkdir /sys/fs/cgroup/pids/vt$$ /sys/fs/cgroup/vt$$ 2>/dev/null; "
       "rmdir /sys/fs/cgroup/*/vt$$ /sys/fs/cgroup/vt$$ 2>/dev/null && echo $NONCE | rev"),
    sh("write", "system folders", "for d in /usr /usr/bin /etc /opt /lib /var /srv; do mkdir $d/vt$$ 2>/dev/null && "
       "{ rmdir $d/vt$$; [ $d != /var ] && echo $NONCE | rev; }; done"),
    sh("write", "a user's cron table", "touch /var/spool/cron/crontabs/vt$$ 2>/dev/null && rm "
       "/var/spool/cron/crontabs/vt$$ && echo $NONCE | rev"),
    sh("write", "device node", "mknod node c 1 1 && head -c1 node >/dev/null && echo $NONCE | rev"),
)  # fmt: skip


def _tables() -> tuple[Attack, ...]:
    made: list[Attack] = []
    for name, form in _FORMS.items():
        made.append(sh("read", f"by path, {name}", f"cat {form}/secret"))
        made.append(sh("list", f"by path, {name}", f"ls {form}/"))
        made.append(sh("write", f"by path, {name}", f"echo x > {form}/victim"))
        made.append(sh("make", f"by path, {name}", f"mkdir {form}/made"))
        made.append(sh("remove", f"by path, {name}", f"rm -f {form}/victim"))
    made += [sh("read", f"with {name}", code) for name, code in _READERS.items()]
    for name, code in _SYSCALL_READS.items():
        made.append(py("read", f"with {name}", code, open_in="kernel" if name in _METADATA_READS else ""))
    made += [sh("write", f"with {name}", code) for name, code in _WRITERS.items()]
    for name, code in _SYSCALL_WRITES.items():
        made.append(py("write", f"with {name}", code))
    return (*made, *_OTHER)


ATTACKS = _tables()
