"""What an operator did: so that keys, users, audit log and settings have something to show."""

from __future__ import annotations

import re
from typing import Any

import requests

from tests.core.consensus.mini import dev
from tests.e2e.node import Node, wait_for


class Deeds:
    """A session of the operator's web, by its forms."""

    def __init__(self, node: Node, password: str) -> None:
        self.node = node
        self.http = requests.Session()
        self.post("login/", username="operator", password=password)

    def post(self, path: str, **fields: Any) -> str:
        """Send a form; the page that follows."""
        url = f"{self.node.web_url}/operator/{path}"
        if not self._token():
            self.http.get(url, timeout=60)
        answer = self.http.post(url, {"csrfmiddlewaretoken": self._token(), **fields}, timeout=120)
        assert answer.status_code < 500, answer.text
        return answer.text

    def _token(self) -> str:
        return next((value for name, value in self.http.cookies.items() if name.startswith("mds_csrf")), "")

    def do(self) -> None:
        """Some of everything; what is dangerous is confirmed."""
        self.post("users/create/", name="maria", role="operator")
        self.post("users/create/", name="guest", role="viewer")
        self.post("keys/create/", name="mining-rig", scopes=["mining"], days="90", rate="200", burst="400")
        self.post("keys/create/", name="old-script", scopes=["mining", "log"])
        self.post("keys/revoke/", name="old-script", confirmed="yes")
        self.post("mining/share/", stream="A", share="20")
        self.post("settings/change/", key="node.rpc_max_batch", value="500")
        self.post("settings/change/", key="node.rpc_max_batch", value="many")
        self.post("mining/coinbase/", coinbase=dev(0).address)
        self.post("backups/start/")


def first_password(node: Node) -> str:
    """That the node printed when it made the operator."""
    return wait_for(lambda: re.search(r"user operator, password (\S+)", node.output.read_text()), "the password")[1]
