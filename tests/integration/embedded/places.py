"""People who use the engines, each a process of his own, and the folders they use them in."""

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Person:
    """A process that holds engines; see person.py."""

    process: subprocess.Popen[str]

    def say(self, command: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"died at {command!r}: {self.process.communicate()[1]}"
        return json.loads(line)

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


class Place:
    """A folder of one user's, and the people who use the engines in it."""

    def __init__(self, user: pwd.struct_passwd | None, path: str = "var") -> None:
        self.user = user
        self.base = Path(tempfile.mkdtemp(prefix="tandem-place-", dir="/tmp"))
        self.base.chmod(0o755)
        self.var = self.base / path
        self.people: list[Person] = []
        if user is not None:
            os.chown(self.base, user.pw_uid, user.pw_gid)

    def person(self, user: pwd.struct_passwd | None = None) -> Person:
        user = user or self.user or pwd.getpwuid(os.geteuid())
        process = subprocess.Popen(
            [
                sys.executable,
                str(Path(__file__).with_name("person.py")),
                str(self.var),
                str(user.pw_uid),
                str(user.pw_gid),
            ],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        person = Person(process)
        self.people.append(person)
        return person

    def close(self) -> None:
        for person in self.people:
            if person.process.poll() is None:
                person.kill()
        if self.var.exists():
            last = self.person()
            assert "error" not in last.say("start")
            assert last.say("stop") is True
            last.kill()
        shutil.rmtree(self.base)
