"""What a notebook tries, to see of the machine that grades it whatever it can: each with what may come of that."""

from __future__ import annotations

DENIED = ("PermissionError", "FileNotFoundError", "OSError")

PROBES = {
    "another student's file": ("open({folder!r} + '/bob.ipynb').read()", DENIED),
    "the folder of notebooks": ("os.listdir({folder!r})", DENIED),
    "the marks": ("open({folder!r} + '/marks.csv', 'a').write('x')", DENIED),
    "the lesson's solutions": ("__import__('week3_solutions')", ("ModuleNotFoundError",)),
    "what lies beside the lesson": ("open({folder!r} + '/week3_solutions.py').read()", DENIED),
    "this package's solutions": (
        "__import__('podnet_lab.exercises.solutions.bridge_solutions').exercises.solutions.SOLUTIONS",
        ("ModuleNotFoundError", "AttributeError"),
    ),
    "the lesson itself": ("__import__('week3').X", ("3",)),
    "what the lesson imports": ("__import__('week3').Y", ("4",)),
    "the grader's environment": ("os.environ['TEACHERS_SECRET']", ("KeyError",)),
    "anybody's environment": ("any(b'TEACHERS_SECRET=' in open(f'/proc/{{pid}}/environ', 'rb').read() for pid in pids())", ("False",)),
    "the grader's process": ("os.kill({grader}, 0) if {grader} not in pids() else 'taken'", ("ProcessLookupError", "taken")),
    "all processes": ("len(pids()) < 10", ("True",)),
    "the home of root": ("os.listdir('/root')", DENIED),
    "homes": ("[one for one in os.listdir('/home') if not sys.prefix.startswith('/home/' + one + '/')]", ("['student']",)),
    "the home that Python lies in": (
        "max([len(os.listdir('/home/' + one)) for one in os.listdir('/home') if sys.prefix.startswith('/home/' + one + '/')], default=1)",
        ("1",),
    ),
    "what lies in /tmp": ("os.path.exists({outside!r})", ("False",)),
    "what lies in /dev/shm": ("os.path.exists({shared!r})", ("False",)),
    "disks": ("[name for name in os.listdir('/dev') if name.startswith(('sd', 'vd', 'nvme', 'mem', 'kmsg'))]", ("[]",)),
    "a disk made by hand": ("os.mknod('/tmp/disk', 0o60600, os.makedev(254, 0))", DENIED),
    "the package, to write": ("open(__import__('podnet_lab').__file__, 'a')", DENIED),
    "Python's folder, to write": ("open(sys.prefix + '/evil.pth', 'w')", DENIED),
    "the system's programs, to write": ("open('/usr/bin/evil', 'w')", DENIED),
    "mounts made writable": ("run('unshare -Urm mount -o remount,bind,rw /usr && echo done')", ("''",)),
    "mounts taken away": ("run('unshare -Urm umount {package}/exercises/solutions && echo done')", ("''",)),
    "the machine's settings": ("open('/proc/sys/kernel/core_pattern', 'w').write('x')", DENIED),
    "settings from a namespace of its own": ("run('unshare -Ur sh -c \"echo 1 > /proc/sys/kernel/panic\" && echo done')", ("''",)),
    "control groups, to write": (
        "run('for one in $(find /sys/fs/cgroup -name cgroup.procs 2> /dev/null); do touch -c $one 2> /dev/null && echo $one; done')[:50]",
        ("''",),
    ),
    "to be root": ("os.setuid(0)", DENIED),
    "more processes": ("resource.setrlimit(resource.RLIMIT_NPROC, (10**6, 10**6))", ("ValueError", "PermissionError")),
    "more memory": ("resource.setrlimit(resource.RLIMIT_AS, (2**50, 2**50))", ("ValueError", "PermissionError")),
    "a server on the machine's loopback": ("socket.create_connection(('127.0.0.1', {port}), 2)", ("ConnectionRefusedError",)),
    "a socket without a file": ("socket.socket(socket.AF_UNIX).connect({abstract!r})", ("ConnectionRefusedError",)),
    "the world": ("socket.create_connection(('192.0.2.1', 80), 2)", ("OSError",)),
    "a terminal": ("open('/dev/tty')", ("OSError",)),
    "the first process's root": ("os.listdir('/proc/1/root/var/lib')", DENIED),
    "files that were left open": (
        "[link for link in links() if link.startswith('/') and not link.startswith(('/dev/', '/tmp/', '/home/student', '/proc'))]",
        ("[]",),
    ),
    "space without end": ("fill()", ("OSError",)),
    "a file without end": ("open('/tmp/big', 'wb').truncate(2**40)", ("OSError",)),
    "names of hosts": ("os.uname().nodename", ("grading",)),
    "what it has": ("sorted(os.listdir('.'))[-1]", ("prober.ipynb",)),
}

BEGIN = """
import json, os, resource, socket, subprocess, sys
found = {}
pids = lambda: [int(name) for name in os.listdir('/proc') if name.isdigit()]
run = lambda words: subprocess.run(words, shell=True, capture_output=True, text=True).stdout

def links():
    for name in os.listdir('/proc/self/fd'):
        try:
            yield os.readlink('/proc/self/fd/' + name)
        except OSError:
            pass

def fill():
    try:
        for number in range(100):
            with open(f'/tmp/fill{number}', 'wb') as file:
                file.write(bytes(10**7))
    finally:
        for number in range(100):
            if os.path.exists(f'/tmp/fill{number}'):
                os.unlink(f'/tmp/fill{number}')
"""


def probe(name: str, words: str) -> str:
    return f"try:\n    found[{name!r}] = str({words})[:60]\nexcept Exception as error:\n    found[{name!r}] = type(error).__name__"
