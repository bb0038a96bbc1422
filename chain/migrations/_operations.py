"""Migration operations of our own."""

from __future__ import annotations

from typing import Any

from django.db import migrations


class CreatePartitionedModel(migrations.CreateModel):
    """``CreateModel`` for a table that is partitioned by a list of shard numbers.

    Makes the parent only: how many shards there are is the network's, so ``init_chain`` makes the partitions.
    """

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Create the parent table and its indexes, which partitions inherit."""
        model = to_state.apps.get_model(app_label, self.name)
        if not self.allow_migrate_model(schema_editor.connection.alias, model):
            return
        sql, params = schema_editor.table_sql(model)
        schema_editor.execute(f"{sql} PARTITION BY LIST (shard)", params or None)
        schema_editor.deferred_sql.extend(schema_editor._model_indexes_sql(model))

    def describe(self) -> str:
        """One line for ``sqlmigrate`` and friends."""
        return f"Create model {self.name}, partitioned by shard"
