"""Every page of the site has its picture: a new route fails here until somebody looks at it."""

from __future__ import annotations

import re
from pathlib import Path

from django.urls import URLPattern, get_resolver, resolve

from tests.screenshots import sights

# what answers a script, a program or a form, and shows no page of its own
NO_PAGE = re.compile(
    r"explorer:(live-.*|.*-csv|abi-.*|openapi|favicon|worker)"
    r"|operator:(logout|.*-csv|.*-(start|stop|share|coinbase|choose|drop|drop-sender|restart|restart-node|change|servers|forget"
    r"|create|revoke|publish|withdraw|acknowledge|role|active|reset))"
)
SAMPLES = {"block": "7", "tx": "0x" + "ab" * 32, "shard": "3"}
ADDRESS = "0x" + "de" * 20


def routes() -> set[str]:
    """Names of all routes of the explorer's and the operator's web."""
    found = set()
    for included in get_resolver().url_patterns:
        name = getattr(included, "namespace", None) or getattr(included, "app_name", None)
        if name not in ("explorer", "operator"):
            continue
        found |= {f"{name}:{one.name}" for one in included.url_patterns if isinstance(one, URLPattern)}
    return found


def seen() -> set[str]:
    """Names of the routes that the pictures show; addresses made by the scenery are read from its source."""
    fixed = [sight.path for sight in (*sights.PUBLIC, *sights.OPERATOR)]
    source = "".join((Path(__file__).parent / name).read_text() for name in ("scenery.py", "__main__.py"))
    made = re.findall(r'"(/(?:block|tx|address|token|shard|miner|operator)/[^"]*)"', source)
    filled = [re.sub(r"\{[^}]*\}", SAMPLES.get(path.split("/")[1], ADDRESS), path) for path in made]
    paths = [path.partition("?")[0] for path in (*fixed, *filled)]
    return {
        resolve(path).view_name for path in paths if not path.startswith(("/nothing", "/operator/nothing", "/admin"))
    }


def test_every_page_has_its_picture() -> None:
    missing = {name for name in routes() - seen() if not NO_PAGE.fullmatch(name)}
    assert missing == set()


def test_the_tour_shows_what_it_has_pictures_of() -> None:
    root = Path(__file__).resolve().parents[2]
    shown = re.findall(r"!\[[^\]]+\]\(img/([\w-]+)\.webp\)", (root / "docs" / "tour.md").read_text())
    assert sorted(shown) == sorted(printed.sight for printed in sights.TOUR)
    files = list((root / "docs" / "img").iterdir())
    assert sorted(file.stem for file in files) == sorted(shown)
    assert sum(file.stat().st_size for file in files) < 1_500_000
