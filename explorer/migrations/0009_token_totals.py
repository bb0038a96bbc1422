"""Tokens of each standard and their transfers, summed up once from what is there."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Make the table of sums and fill it."""

    dependencies: ClassVar = [("explorer", "0008_shard_totals")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="TokenTotal",
            fields=[
                ("standard", models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ("tokens", models.BigIntegerField()),
                ("transfers", models.BigIntegerField()),
            ],
            options={"db_table": "explorer_token_total"},
        ),
        migrations.RunSQL(
            "INSERT INTO explorer_token_total (standard, tokens, transfers)"
            " SELECT standard, count(*), sum(transfers) FROM explorer_token GROUP BY standard",
            migrations.RunSQL.noop,
        ),
    ]
