#!/usr/bin/env python3
"""Prints a user's events as they come: a poll loop done right, with the standard library alone.

    TOKEN=$(pollgate jwt --user bob) examples/poll.py [http://127.0.0.1:8080]

What makes it right:
- the cursor goes back only after the events were dealt with: a crash in between brings them again;
- what comes twice is dropped by its id;
- there is no pause between polls, unless the gateway asks for one or something failed;
- failures are followed by pauses that grow and are random, so that many clients do not come back at once.
"""

import http.client
import json
import os
import random
import sys
import time
import urllib.parse
from collections import OrderedDict

FIRST_BACKOFF_S = 0.5
MOST_BACKOFF_S = 20.0
MOST_SEEN = 4_000
# Longer than the gateway holds a poll; a connection that is silent for longer is dead.
PATIENCE_S = 60.0


class Refused(Exception):
    """The gateway will not talk to this client, however often it asks."""


class Trouble(Exception):
    """Something that the next attempt may cure."""

    def __init__(self, reason, retry_after_s=None):
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Mailbox:
    def __init__(self, url, token, session):
        self.address = urllib.parse.urlsplit(url)
        self.token = token
        self.session = session
        self.connection = None

    def poll(self, cursor):
        """One poll; what it was answered."""
        query = urllib.parse.urlencode({"cursor": cursor, "session": self.session})
        try:
            if self.connection is None:
                secure = self.address.scheme == "https"
                kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
                self.connection = kind(self.address.netloc, timeout=PATIENCE_S)
            self.connection.request("GET", f"/v1/poll?{query}", headers={"Authorization": f"Bearer {self.token}"})
            response = self.connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Trouble(f"{type(error).__name__}: {error}") from error
        if response.status == 200:
            return json.loads(body)
        reason = f"{response.status} {body[:300].decode(errors='replace')}"
        # 400: the cursor is none; 401, 403: the token; 409: somebody else polls with this session now.
        if response.status in (400, 401, 403, 409):
            raise Refused(reason)
        asked = response.headers.get("Retry-After", "")
        raise Trouble(reason, float(asked) if asked.isdigit() else None)

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None


def events(mailbox):
    """Every event once, for ever. It is confirmed when the caller asks for more."""
    cursor, failures = "", 0
    seen = OrderedDict()
    while True:
        try:
            answer = mailbox.poll(cursor)
        except Trouble as trouble:
            failures += 1
            ceiling = min(MOST_BACKOFF_S, FIRST_BACKOFF_S * 2 ** min(failures - 1, 10))
            wait = random.uniform(0, ceiling)
            if trouble.retry_after_s is not None:
                wait = trouble.retry_after_s * random.uniform(1, 1.25)
            print(f"{trouble}; again in {wait:.1f} s", file=sys.stderr)
            time.sleep(wait)
            continue
        failures = 0
        if answer["resync"]:
            print("events may be missing: read the history", file=sys.stderr)
        for event in answer["events"]:
            if event["id"] not in seen:
                yield event
                seen[event["id"]] = None
                if len(seen) > MOST_SEEN:
                    seen.popitem(last=False)
        cursor = answer["cursor"]
        time.sleep(answer["pause_ms"] / 1000)


def main():
    url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080"
    token = os.environ.get("TOKEN")
    if not token:
        sys.exit("set TOKEN to a user's token: pollgate jwt --user bob")
    # A name that is the same at the next start finds what came meanwhile.
    mailbox = Mailbox(url, token, os.environ.get("SESSION", "poll.py"))
    try:
        for event in events(mailbox):
            print(json.dumps(event, ensure_ascii=False), flush=True)
    except Refused as refused:
        sys.exit(f"refused: {refused}")
    except KeyboardInterrupt:
        pass
    finally:
        mailbox.close()


if __name__ == "__main__":
    main()
