"""Calls without value beside those that moved something.

What is there holds no others and counts them differently: it is emptied, and traced again behind the index.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

_MOVED = models.Q(moved=True)
_PLACE = ["number", "index", "ordinal"]


def _index(name: str, *columns: str) -> migrations.AddIndex:
    return migrations.AddIndex("InternalCall", models.Index(fields=[*columns, *_PLACE], name=name, condition=_MOVED))


class Migration(migrations.Migration):
    """Empty the tables of internal calls, widen them, and forget how far they were."""

    dependencies: ClassVar = [("explorer", "0006_internal_calls")]

    operations: ClassVar = [
        migrations.RunSQL(
            "TRUNCATE explorer_internal_call, explorer_untraced_epoch;"
            " DELETE FROM explorer_cursor WHERE projection = 'internal'",
            migrations.RunSQL.noop,
        ),
        migrations.AddField(
            "InternalCall", "depth", models.PositiveSmallIntegerField(default=1), preserve_default=False
        ),
        migrations.AddField(
            "InternalCall", "selector", models.BinaryField(default=b"", max_length=4), preserve_default=False
        ),
        migrations.AddField("InternalCall", "moved", models.BooleanField(default=True), preserve_default=False),
        _index("internal_moved_sender", "sender"),
        _index("internal_moved_recipient", "recipient"),
        _index("internal_moved"),
        migrations.CreateModel(
            name="LeftCalls",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "number", "index", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("index", models.PositiveIntegerField()),
                ("count", models.PositiveIntegerField()),
            ],
            options={"db_table": "explorer_left_calls"},
        ),
    ]
