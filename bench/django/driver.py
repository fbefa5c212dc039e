"""Django's own file sessions, saved in a loop: one JSON object a line in, one a line out."""

import json
import resource
import sys
import time

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="a bench keeps no secret",
    SESSION_ENGINE="django.contrib.sessions.backends.file",
    SESSION_SERIALIZER="django.contrib.sessions.serializers.JSONSerializer",
    SESSION_COOKIE_NAME="sessionid",
    USE_TZ=True,
)
django.setup()

from django.contrib.sessions.backends.file import SessionStore  # noqa: E402


def answer(value):
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


class Driver:
    """The sessions of a bench, one operation after the other."""

    def __init__(self, directory, keys, sessions, operation):
        settings.SESSION_FILE_PATH = directory
        self.keys = keys
        self.sessions = sessions
        self.turn = 0
        self.operation = {"save": self.save, "request": self.request}[operation]
        for index in range(len(keys)):
            self.store(index, must_create=True)

    def store(self, index, must_create=False):
        store = SessionStore(self.keys[index])
        # As if it had been loaded: a save alone is measured.
        store._session_cache = self.sessions[index]
        store.save(must_create=must_create)

    def save(self, index):
        self.sessions[index]["visits"] += 1
        self.store(index)

    def request(self, index):
        store = SessionStore(self.keys[index])
        store["visits"] += 1
        store.save()

    def run(self, seconds):
        """How many microseconds each operation took."""
        taken = []
        before = time.perf_counter()
        end = before + seconds
        while before < end:
            self.operation(self.turn % len(self.keys))
            self.turn += 1
            after = time.perf_counter()
            taken.append(round((after - before) * 1e6))
            before = after
        return taken

    def round(self, leadIn, seconds):
        self.run(leadIn)
        cpu = time.process_time()
        started = time.perf_counter()
        taken = self.run(seconds)
        return {
            "taken": taken,
            "seconds": time.perf_counter() - started,
            "cpuMicroseconds": (time.process_time() - cpu) * 1e6,
            "peakMemoryBytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        }


driver = None
answer({"version": django.get_version()})
for line in sys.stdin:
    request = json.loads(line)
    if "open" in request:
        driver = Driver(**request["open"])
        answer({"sessions": len(driver.keys)})
    else:
        answer(driver.round(**request["round"]))
