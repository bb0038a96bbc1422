"""Transactions of each shard since genesis, summed up once from what is there."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Make the table of sums and fill it."""

    dependencies: ClassVar = [("explorer", "0007_calls_without_value")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="ShardTotal",
            fields=[
                ("shard", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("txs", models.PositiveBigIntegerField()),
                ("crossed", models.PositiveBigIntegerField()),
            ],
            options={"db_table": "explorer_shard_total"},
        ),
        migrations.RunSQL(
            "INSERT INTO explorer_shard_total (shard, txs, crossed)"
            " SELECT shard, sum(txs), sum(crossed) FROM explorer_shard_epoch GROUP BY shard",
            migrations.RunSQL.noop,
        ),
    ]
