"""Value that moved inside transactions, and epochs that could not be traced."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models

import chain.fields


class Migration(migrations.Migration):
    """Make the tables; the index fills them behind everything else."""

    dependencies: ClassVar = [("explorer", "0005_published_abi")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="InternalCall",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "number", "index", "ordinal", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("index", models.PositiveIntegerField()),
                ("ordinal", models.PositiveIntegerField()),
                ("kind", models.PositiveSmallIntegerField()),
                ("sender", chain.fields.AddressField()),
                ("recipient", chain.fields.AddressField()),
                ("value", chain.fields.Uint256Field()),
            ],
            options={
                "db_table": "explorer_internal_call",
                "indexes": [
                    models.Index(fields=["sender", "number", "index", "ordinal"], name="internal_call_sender"),
                    models.Index(fields=["recipient", "number", "index", "ordinal"], name="internal_call_recipient"),
                ],
            },
        ),
        migrations.CreateModel(
            name="UntracedEpoch",
            fields=[
                ("number", models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ("reason", models.CharField(max_length=40)),
            ],
            options={"db_table": "explorer_untraced_epoch"},
        ),
    ]
