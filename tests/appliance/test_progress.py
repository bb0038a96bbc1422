"""What a long command shows: in place on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import io

from chain.management.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bar_is_drawn_in_place_and_not_too_often() -> None:
    out, clock = Terminal(), Clock()
    with Progress(out, "verify", "blocks", clock) as progress:
        for done in range(1, 101):
            clock.now += 0.02
            progress.update(done, 100)
    text = out.getvalue()
    assert 15 < text.count("\r") < 30
    assert text.endswith("[##############################] verify 100.0 % 100/100 blocks, 50/s\x1b[K\n")
    assert "verify   1.0 % 1/100 blocks, 50/s, 0:01 left" in text


def test_lines_elsewhere() -> None:
    out, clock = io.StringIO(), Clock()
    with Progress(out, "import", "blocks", clock) as progress:
        for done in range(1, 26):
            clock.now += 1
            progress.update(done, 25)
    assert out.getvalue().splitlines() == [
        "import  40.0 % 10/25 blocks, 1/s, 0:15 left",
        "import  80.0 % 20/25 blocks, 1/s, 0:05 left",
        "import 100.0 % 25/25 blocks, 1/s",
    ]


def test_nothing_was_done() -> None:
    out = io.StringIO()
    with Progress(out, "import", "blocks", Clock()):
        pass
    assert out.getvalue() == ""
    with Progress(out, "import", "blocks", Clock()) as progress:
        progress.update(0, 0)
    assert out.getvalue() == "import 100.0 % 0/0 blocks, 0/s\n"
