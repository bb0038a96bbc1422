"""Is this container well?  Exit code 0 or 1, and one line; asked every few seconds, so it loads no framework.

web and rpc answer HTTP; a worker has said within the last seconds that it consumes its queue; the rest live as long
as their process does.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

SILENT_S = 15.0
QUEUES = {"virtual": "virtual", "validate": "validate", "shards": "shards", "mine": "mine.a", "index": "index"}
ALIVE = "mds:alive:"


def answers(url: str) -> str:
    """Empty where HTTP answers, else what is wrong."""
    try:
        with urllib.request.urlopen(url, timeout=3) as answer:  # noqa: S310 - the address is built below
            return "" if answer.status < 400 else f"{url} answers {answer.status}"
    except (OSError, urllib.error.URLError) as error:
        return f"{url} does not answer: {error}"


def consumes(queue: str) -> str:
    """Empty where a worker of this container has given a sign of life, else what is wrong."""
    import redis

    with redis.Redis.from_url(os.environ["MDS_REDIS_URL"], socket_timeout=3, socket_connect_timeout=3) as client:
        now = client.time()[0]
        fresh = client.zrangebyscore(ALIVE + queue, now - SILENT_S, "+inf")
    host = socket.gethostname().encode() + b":"
    return "" if any(member.startswith(host) for member in fresh) else f"nobody here consumes {queue}"


def local(bind: str, port: int) -> str:
    """The address to ask for a bind like 0.0.0.0:8000."""
    return f"http://127.0.0.1:{bind.rpartition(':')[2] or port}"


def main() -> str:
    """What is wrong, or nothing."""
    role = (Path(tempfile.gettempdir()) / "mondoshawan-role").read_text().strip()
    if role in ("up", "web"):
        return answers(local(os.environ.get("MDS_WEB_BIND", ""), 8000) + "/health")
    if role == "rpc":
        return answers(local(os.environ.get("MDS_RPC_BIND", ""), 8545))
    if role in QUEUES:
        # the URL may have come to process 1 as a file
        url = os.environ.get("REDIS_URL_FILE")
        if url:
            os.environ["MDS_REDIS_URL"] = Path(url).read_text().strip()
        return consumes(QUEUES[role])
    return ""


if __name__ == "__main__":
    said = main()
    sys.stdout.write((said or "well") + "\n")
    sys.exit(1 if said else 0)
