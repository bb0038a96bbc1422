"""ABIs that operators publish."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

import chain.fields


class Migration(migrations.Migration):
    """Make the table."""

    dependencies: ClassVar = [("explorer", "0004_search_shards_and_standards")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="PublishedAbi",
            fields=[
                ("address", chain.fields.AddressField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=64)),
                ("abi", models.TextField()),
                ("code_hash", chain.fields.HashField()),
                ("functions", models.PositiveIntegerField()),
                ("matched", models.PositiveIntegerField()),
                ("published_by", models.CharField(max_length=150)),
                ("published_ms", models.PositiveBigIntegerField()),
            ],
            options={
                "db_table": "explorer_published_abi",
                "indexes": [models.Index(fields=["-published_ms"], name="published_abi_newest")],
            },
        ),
    ]
