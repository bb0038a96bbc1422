"""Static files, compressed once: WhiteNoise serves them, this puts gzip variants of text beside it."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import Any

from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

TEXT = frozenset({".css", ".js", ".svg", ".json", ".map", ".html"})
# smaller ones fit a packet as they are
LEAST_BYTES = 1_000


class CompressedStatic(WhiteNoiseMiddleware):
    """Serve the files of the apps as they lie there, to browsers that take gzip in a compressed copy.

    Copies are named by their content and stand in the data folder (``run/static``), so that the installation
    stays as it is and a start makes only what is new.
    """

    def get_static_file(self, path: str, url: str, stat_cache: Any = None) -> StaticFile:
        """As WhiteNoise's, but for the place of the compressed copy."""
        found = super().get_static_file(path, url, stat_cache)
        if self.autorefresh or Path(path).suffix not in TEXT:
            return found
        copy = _compressed(Path(path), Path(settings.MDS_DATA_FOLDER) / "run")
        if copy is None:
            return found
        headers = dict(found.alternatives[-1][2])
        for name in ("Content-Length", "ETag", "Last-Modified"):
            headers.pop(name, None)
        return StaticFile(path, list(headers.items()), encodings={"gzip": str(copy)})


def _compressed(path: Path, run: Path) -> Path | None:
    """The file's compressed copy; None where it is not worth it or there is no place for it."""
    try:
        content = path.read_bytes()
        if len(content) < LEAST_BYTES or not run.is_dir():
            return None
        folder = run / "static"
        copy = folder / (hashlib.sha256(content).hexdigest()[:24] + ".gz")
        if not copy.exists():
            folder.mkdir(exist_ok=True)
            # another process may be at the same: the last rename wins, both are equal
            made = copy.with_suffix(f".{hash(path) & 0xFFFF:x}.tmp")
            made.write_bytes(gzip.compress(content, 9, mtime=0))
            made.replace(copy)
    except OSError:
        return None
    return copy
