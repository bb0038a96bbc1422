"""What there is to be seen: a name, a path, and what to do before the picture is taken."""

from __future__ import annotations

from typing import NamedTuple

LIVE = "document.querySelector('[data-dashboard]')?.live"
# charts are drawn, live pages have their socket, texts have their fonts
SETTLED = (
    "document.readyState === 'complete'"
    " && [...document.querySelectorAll('[data-chart-from]')].every(chart => chart.querySelector('.uplot, .state, p'))"
    " && (!document.querySelector('script[src*=\"admin_ui/live.js\"]')"
    " || document.querySelector('[data-live-state]')?.dataset.liveState === 'on')"
    f" && (!document.querySelector('[data-dashboard]') || ({LIVE}?.dag.head && window.uPlot"
    f" && document.querySelectorAll('.uplot').length > 5 && Math.abs({LIVE}.view.center - {LIVE}.view.livePlace) < 1))"
)
HAS_ROWS = "document.querySelector('[data-table] table') !== null"


class Sight(NamedTuple):
    """One picture; ``act`` is JavaScript that is run once the page has settled, ``ready`` what it brings about."""

    name: str
    path: str
    act: str = ""
    ready: str = ""


OPEN_A_BLOCK = (
    f"{LIVE}.dag.sorted.length > 9 && (document.querySelector('[data-pause]').click(),"
    " document.querySelector('.picture').focus(), [...Array(24).fill('ArrowUp'), 'Enter'].forEach(key =>"
    " document.querySelector('.picture').dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true }))))"
)

PUBLIC = [
    Sight("dashboard", "/"),
    Sight("dashboard-block", "/", OPEN_A_BLOCK, "document.querySelector('[data-panel-body] dl') !== null"),
    Sight("blocks", "/blocks"),
    Sight("blocks-dag", "/blocks/dag"),
    Sight("transactions", "/tx"),
    Sight("tokens", "/tokens"),
    Sight("tokens-erc721", "/tokens?standard=721"),
    Sight("shards", "/shards"),
    Sight("streams", "/streams"),
    Sight("miners", "/miners"),
    Sight("fees", "/fees"),
    Sight("supply", "/supply"),
    Sight("search-empty", "/search"),
    Sight("search-several", "/search?q=o"),
    Sight("search-nothing", "/search?q=no+such+thing+%3Cb%3E"),
    Sight("api", "/api"),
    Sight("error-404", "/nothing/here"),
    Sight("away", "/away"),
]
# what the scenery's pages need beside their path
ACTS = {
    "tx-calls-inside": ("document.querySelector('[data-trace]')?.click()", HAS_ROWS),
    "address-contract-code": (
        "document.querySelector('[data-abi-standard=\"20\"]').click()",
        "document.querySelector('[data-functions] .call') !== null",
    ),
}
THERE = "document.readyState === 'complete' && "
ASKED = THERE + "document.querySelector('[role=alertdialog]') !== null"


def sent(form: str, before: str = "") -> str:
    """JavaScript that sends the first such form once it has run; the page that follows comes after it."""
    return f"setTimeout(() => {{ const form = document.querySelector({form!r}); {before} form.requestSubmit() }})"


ROOMS = ("", "mining", "ordering", "pool", "shards", "processes", "settings", "keys", "abis", "alerts", "audit",
         "users", "logs", "backups", "password")  # fmt: skip
OPERATOR = [
    *(Sight(f"operator-{room or 'overview'}", f"/operator/{room}/".replace("//", "/")) for room in ROOMS),
    Sight("operator-logs-mine", "/operator/logs/?process=mine&level=info"),
    Sight("operator-key", "/operator/keys/change/?name=mining-rig"),
    # questions before what is dangerous
    Sight("operator-ask-stop", "/operator/mining/", sent("form[action$='mining/stop/']"), ASKED),
    Sight("operator-ask-coinbase", "/operator/mining/", sent("form[action$='mining/coinbase/']"), ASKED),
    Sight("operator-ask-restart", "/operator/processes/", sent("form[action$='processes/restart/']"), ASKED),
    Sight("operator-ask-restart-node", "/operator/processes/", sent("form[action$='restart-node/']"), ASKED),
    Sight("operator-ask-keep-out", "/operator/users/", sent("form[action$='users/active/']"), ASKED),
    Sight("operator-ask-revoke", "/operator/keys/", sent("form[action$='keys/revoke/']"), ASKED),
    # what went wrong
    Sight("operator-405", "/operator/mining/stop/"),
    Sight("operator-404", "/operator/nothing/"),
    Sight(
        "operator-error-key",
        "/operator/keys/change/?name=mining-rig",
        sent("form[action$='change/']", "form.elements.rate.value = '0';"),
        THERE + "document.querySelector('main [role=alert]') !== null",
    ),
    Sight(
        "operator-error-form",
        "/operator/mining/",
        sent("form[action$='mining/share/']", "form.elements.csrfmiddlewaretoken.value = 'old';"),
        THERE + "document.title.includes('too old')",
    ),
    Sight("admin", "/admin/"),
    Sight("admin-changelist", "/admin/chain/block/"),
    Sight("admin-changelist-audit", "/admin/chain/transaction/"),
]

# of somebody who may only look
VIEWER = [
    Sight("operator-403", "/operator/users/"),
    Sight("operator-viewer", "/operator/mining/"),
]
_TRY = "form.elements.username.value = 'mallory'; form.elements.password.value = 'guessed';"
_FIVE = "await Promise.all([...Array(6)].map(() => fetch(form.action, { method: 'POST', body: new FormData(form) })));"
# of somebody who is not in
STRANGER = [
    Sight(
        "operator-login-wrong",
        "/operator/login/",
        sent("main form", _TRY.replace("'mallory'", "'m' + Math.random()")),
        THERE + "document.querySelector('main [role=alert]') !== null",
    ),
    Sight(
        "operator-login-throttled",
        "/operator/login/",
        sent("main form", _TRY + _FIVE).replace("() =>", "async () =>", 1),
        THERE + "document.querySelector('main').innerText.includes('Too many failures')",
    ),
]


def of_scenery(pages: dict[str, str]) -> list[Sight]:
    """The public ones that depend on what happened on the chain."""
    return [
        Sight(name, path, *ACTS.get(name, ())) for name, path in sorted(pages.items()) if not path.startswith("/op")
    ]


class Print(NamedTuple):
    """A picture of docs/tour.md: of which sight, in which window."""

    sight: str
    width: int
    height: int
    scheme: str = "light"
    # seconds to wait before: for the socket, and for lines that grow while the page is open
    rest: float = 2


TOUR = [
    Print("dashboard", 1440, 900),
    Print("dashboard-block", 1440, 900, "dark"),
    Print("blocks", 1280, 680),
    Print("block-b", 1280, 900),
    Print("tx-across-shards", 1280, 640),
    Print("tx-calls-inside", 1280, 1100, "dark"),
    Print("address-person", 1280, 760),
    Print("token-erc20", 1280, 720),
    Print("fees", 1280, 700, "dark"),
    # no higher: below stand the folders of whoever takes it
    Print("operator-setup", 1280, 816),
    Print("operator-overview", 1280, 760, rest=30),
    Print("operator-mining", 1280, 640, rest=45),
    Print("operator-pool-sender", 1280, 520, "dark"),
    Print("operator-keys", 1280, 640),
    Print("operator-settings", 1280, 640),
    Print("operator-audit", 1280, 640, "dark"),
]
