#!/usr/bin/env python3
"""Prints a user's events as they come, or sends a message: done right, with the standard library alone.

    export POLLGATE_TOKEN=$(pollgate jwt --user bob) POLLGATE_URL=http://127.0.0.1:8080
    examples/poll.py
    examples/poll.py send ann "Hi Ann"

What makes the loop right:
- one request at a time, and no pause between two, unless the gateway asks for one or something failed;
- the cursor goes back only after the events were dealt with: a crash in between brings them again;
- what comes twice is dropped by its id;
- failures are followed by pauses that grow and are random, so that many clients do not come back at once, and
  `Retry-After` is honoured;
- answers that bring nothing, faster than ten a second, are slowed down, whatever stands in between.

What makes the send right: all its attempts bear one `client_id`, so that nothing is sent twice.
"""

import email.utils
import http.client
import json
import os
import random
import sys
import time
import urllib.parse
import uuid
from collections import OrderedDict

FIRST_BACKOFF_S = 0.5
MOST_BACKOFF_S = 20.0
MOST_RETRY_AFTER_S = 120.0
FLOOR_S = 0.1
MOST_SEEN = 4_000
# Longer than the gateway holds a poll; a connection that is silent for longer is dead.
PATIENCE_S = 60.0
# How long a send is tried.
DEADLINE_S = 30.0


class Refused(Exception):
    """The same would be refused again."""

    def __init__(self, status, reason):
        super().__init__(f"{status} {reason}")
        self.status = status


class Trouble(Exception):
    """Something that the next attempt may cure."""

    def __init__(self, reason, retry_after_s=None):
        super().__init__(reason)
        self.retry_after_s = retry_after_s

    def wait_s(self, failures):
        """How long to wait after so many failures in a row."""
        if self.retry_after_s is not None:
            return min(self.retry_after_s, MOST_RETRY_AFTER_S) * random.uniform(1, 1.25)
        return random.uniform(0, min(MOST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(failures - 1, 10)))


def retry_after_s(text):
    """Seconds, or a date; None for anything else."""
    if text.isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


class Gateway:
    """One gateway, one token, one connection that is kept."""

    def __init__(self, url, token):
        self.address = urllib.parse.urlsplit(url)
        self.token = token
        self.connection = None

    def ask(self, method, path, body=None):
        """One request; its answer."""
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            if self.connection is None:
                secure = self.address.scheme == "https"
                kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
                self.connection = kind(self.address.netloc, timeout=PATIENCE_S)
            self.connection.request(method, self.address.path.rstrip("/") + path, body, headers)
            response = self.connection.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Trouble(f"{type(error).__name__}: {error}") from error
        reason = answer[:300].decode(errors="replace")
        if response.status in (408, 425, 429) or response.status >= 500:
            raise Trouble(f"{response.status} {reason}", retry_after_s(response.headers.get("Retry-After", "")))
        if response.status >= 300:
            raise Refused(response.status, reason)
        try:
            return json.loads(answer)
        except ValueError as error:
            raise Trouble(f"no JSON: {reason}") from error

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def pause(trouble, failures):
    wait_s = trouble.wait_s(failures)
    print(f"{trouble}; again in {wait_s:.1f} s", file=sys.stderr)
    time.sleep(wait_s)


def events(gateway, session):
    """Every event once, for ever. It is confirmed when the caller asks for more."""
    cursor, failures = "", 0
    seen = OrderedDict()
    while True:
        began = time.monotonic()
        try:
            query = urllib.parse.urlencode({"cursor": cursor, "session": session})
            answer = gateway.ask("GET", f"/v1/poll?{query}")
        except Trouble as trouble:
            failures += 1
            pause(trouble, failures)
            continue
        except Refused as refused:
            # 401, 403: the token; 409: somebody else polls with this session now
            if refused.status != 400 or not cursor:
                raise
            print("the cursor is not known any more: read the history", file=sys.stderr)
            cursor = ""
            continue
        failures = 0
        if answer["resync"]:
            print("events may be missing: read the history", file=sys.stderr)
        new = [event for event in answer["events"] if event["id"] not in seen]
        for event in new:
            yield event
            seen[event["id"]] = None
            if len(seen) > MOST_SEEN:
                seen.popitem(last=False)
        cursor = answer["cursor"]
        time.sleep(answer["pause_ms"] / 1000)
        if not new and not answer["resync"]:
            time.sleep(max(0.0, began + FLOOR_S - time.monotonic()))


def send(gateway, to, text):
    """Sends a message to a user; the message as it was stored."""
    message = json.dumps({"to": to, "body": text, "client_id": str(uuid.uuid4())})
    deadline, failures = time.monotonic() + DEADLINE_S, 0
    while True:
        try:
            return gateway.ask("POST", "/v1/messages", message)
        except Trouble as trouble:
            failures += 1
            if time.monotonic() > deadline:
                raise Refused(0, f"given up: {trouble}") from trouble
            pause(trouble, failures)


def main():
    token = os.environ.get("POLLGATE_TOKEN")
    if not token:
        sys.exit("set POLLGATE_TOKEN to a user's token: pollgate jwt --user bob")
    gateway = Gateway(os.environ.get("POLLGATE_URL", "http://127.0.0.1:8080"), token)
    try:
        match sys.argv[1:]:
            case []:
                # A name that is the same at the next start finds what came meanwhile.
                for event in events(gateway, os.environ.get("POLLGATE_SESSION", "poll.py")):
                    print(json.dumps(event, ensure_ascii=False), flush=True)
            case ["send", to, text]:
                print(json.dumps(send(gateway, to, text), ensure_ascii=False))
            case _:
                sys.exit(__doc__)
    except Refused as refused:
        sys.exit(f"refused: {refused}")
    except KeyboardInterrupt:
        pass
    finally:
        gateway.close()


if __name__ == "__main__":
    main()
