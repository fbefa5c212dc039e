"""Django's own file sessions, driven from outside: one JSON object a line in, one a line out."""

import datetime
import json
import logging
import os
import sys

import django
from django.conf import settings

settings.configure(
    SECRET_KEY="not configured yet",
    SESSION_ENGINE="django.contrib.sessions.backends.file",
    SESSION_SERIALIZER="django.contrib.sessions.serializers.JSONSerializer",
    SESSION_COOKIE_NAME="sessionid",
    USE_TZ=True,
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
)
django.setup()
logging.disable(logging.CRITICAL)

from django.contrib.sessions.backends import file as backend  # noqa: E402
from django.contrib.sessions.backends.file import SessionStore  # noqa: E402


def answer(value):
    sys.stdout.write(json.dumps(value, default=str) + "\n")
    sys.stdout.flush()


def configure(**values):
    for name, value in values.items():
        setattr(settings, name, value)
    if hasattr(SessionStore, "_storage_path"):
        del SessionStore._storage_path


def dumps(session):
    return SessionStore().encode(session)


def loads(text):
    return SessionStore().decode(text)


def python_text(source):
    """What Django makes of a session that JSON cannot bring here."""
    return SessionStore().encode(eval(source))


def load(key):
    store = SessionStore(key)
    session = store.load()
    return {"session": session, "key": store.session_key}


def expiry_of(store, expiry):
    if expiry is None:
        return
    if "in" in expiry:
        store.set_expiry(datetime.timedelta(seconds=expiry["in"]))
    else:
        store.set_expiry(expiry["seconds"])


def new(session, expiry=None):
    store = SessionStore()
    store.update(session)
    expiry_of(store, expiry)
    store.save()
    store.save()
    return store.session_key


def create(key, session):
    store = SessionStore(key)
    store._session_cache = session
    # As in Django's create(): save(must_create=True) stores what _get_session(no_load=True) gives.
    store.save(must_create=True)


def save(key, session, expiry=None):
    store = SessionStore(key)
    store._session_cache = dict(session)
    expiry_of(store, expiry)
    store.save()


def change(key, session):
    """What a request does: loads, changes, saves."""
    store = SessionStore(key)
    store.update(session)
    store.save()
    return store.session_key


def late_save(key, session):
    """A save that is held up between its check and its rename."""
    store = SessionStore(key)
    store._session_cache = session
    original = backend.shutil.move

    def held_up(source, target):
        answer("held up")
        sys.stdin.readline()
        return original(source, target)

    backend.shutil.move = held_up
    try:
        store.save()
    finally:
        backend.shutil.move = original


def login(name):
    """What a login view does, with a user of its own."""
    from django.contrib.auth import login as log_in
    from django.contrib.auth.models import User
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)
    user = User.objects.create(username=name, password="the hash of a password")
    request = request_with(None)
    log_in(request, user, backend="django.contrib.auth.backends.ModelBackend")
    request.session.save()
    return request.session.session_key


def user_of(key):
    """Whom Django takes the visitor with this session for."""
    from django.contrib.auth import get_user

    return get_user(request_with(key)).get_username()


def request_with(key):
    from django.http import HttpRequest

    request = HttpRequest()
    request.session = SessionStore(key)
    return request


def exists(key):
    return SessionStore().exists(key)


def delete(key):
    SessionStore().delete(key)


def age(key):
    """Seconds until the session expires, as load() sees it."""
    store = SessionStore(key)
    with open(store._key_to_file(), encoding="ascii") as text:
        session = store.decode(text.read())
    return store.get_expiry_age(expiry=store._expiry_date(session))


def clear_expired():
    SessionStore.clear_expired()


def rounds(keys, first, count):
    """Loads and saves in turn; tells how many loads were whole, and what was wrong with the others."""
    whole, wrong = 0, []
    for number in range(first, first + count):
        for key in keys:
            store = SessionStore(key)
            session = store.load()
            if store.session_key == key and is_whole(session):
                whole += 1
            else:
                wrong.append(repr(session)[:200])
            save(key, version("Django", number))
    return {"whole": whole, "wrong": wrong}


def version(writer, number):
    return {"writer": writer, "number": number, "padding": "%s-%d," % (writer, number) * (number % 200)}


def is_whole(session):
    try:
        return session == version(session["writer"], session["number"])
    except KeyError:
        return False


COMMANDS = {
    command.__name__: command
    for command in (
        configure, dumps, loads, python_text, load, new, create, save, change, late_save, exists, delete, age,
        clear_expired, rounds, login, user_of,
    )
}

answer({"version": django.VERSION[:3]})
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer({"result": COMMANDS[request["command"]](**request["values"])})
    except Exception as error:
        answer({"error": type(error).__name__, "message": str(error)})
