"""Tokens found by any part of their names, transactions by shard, transfers of an address by standard."""

from typing import Any

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

from explorer.words import pieces, searched

_BATCH = 1000


def make_searchable(apps: Any, editor: Any) -> None:
    """Fill what tokens that have names already are found by."""
    with editor.connection.cursor() as cursor:
        last = b""
        while True:
            cursor.execute(
                "SELECT address, name, symbol FROM explorer_token WHERE is_described AND address > %s"
                " ORDER BY address LIMIT %s",
                (last, _BATCH),
            )
            rows = [(bytes(address), name, symbol) for address, name, symbol in cursor.fetchall()]
            if not rows:
                return
            cursor.executemany(
                "UPDATE explorer_token SET searched = %s, pieces = %s WHERE address = %s",
                [(searched(name, symbol), pieces(name, symbol), address) for address, name, symbol in rows],
            )
            last = rows[-1][0]


class Migration(migrations.Migration):
    dependencies = [("explorer", "0003_activity_by_number")]

    operations = [
        migrations.CreateModel(
            name="ShardEpoch",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "shard", "number", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("shard", models.PositiveSmallIntegerField()),
                ("number", models.PositiveBigIntegerField()),
                ("txs", models.PositiveIntegerField()),
                ("crossed", models.PositiveIntegerField()),
                (
                    "places",
                    django.contrib.postgres.fields.ArrayField(base_field=models.PositiveIntegerField(), size=None),
                ),
            ],
            options={"db_table": "explorer_shard_epoch"},
        ),
        migrations.AddIndex(model_name="shardepoch", index=models.Index(fields=["number"], name="shard_epoch_number")),
        migrations.AddField(
            model_name="token",
            name="pieces",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.TextField(), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(model_name="token", name="searched", field=models.TextField(db_default="", default="")),
        migrations.RunPython(make_searchable, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="token",
            index=django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=["pieces"], name="token_pieces"),
        ),
        migrations.RemoveIndex(model_name="tokentransfer", name="token_transfer_sender"),
        migrations.RemoveIndex(model_name="tokentransfer", name="token_transfer_recipient"),
        migrations.AddIndex(
            model_name="tokentransfer",
            index=models.Index(
                fields=["sender", "standard", "number", "log_index", "ordinal"], name="token_transfer_sender"
            ),
        ),
        migrations.AddIndex(
            model_name="tokentransfer",
            index=models.Index(
                fields=["recipient", "standard", "number", "log_index", "ordinal"], name="token_transfer_recipient"
            ),
        ),
    ]
