"""What Django's fields do not say: storage of large columns, and the references worth their cost.

Rows that arrive by the thousand (block_transaction, acceptance, log) carry no foreign key: the writer
alone makes them, in the same transaction as what they name, and a check a row would double their cost.
"""

from __future__ import annotations

from django.db import migrations

FORWARD = """
-- lattices are random bytes that change in every commit: neither compress nor move them out of the row
ALTER TABLE chain_shard_lattice ALTER COLUMN lattice SET STORAGE PLAIN;
-- block bytes live for a moment: no time for compression
ALTER TABLE chain_candidate ALTER COLUMN raw SET STORAGE EXTERNAL;
ALTER TABLE chain_candidate ALTER COLUMN senders SET STORAGE EXTERNAL;
ALTER TABLE chain_node_state SET (fillfactor = 50);

ALTER TABLE chain_block_parent
    ADD CONSTRAINT block_parent_parent_known FOREIGN KEY (parent) REFERENCES chain_block (hash),
    ADD CONSTRAINT block_parent_block_known FOREIGN KEY (block) REFERENCES chain_block (hash);
ALTER TABLE chain_selected_chain
    ADD CONSTRAINT selected_chain_block_known FOREIGN KEY (hash) REFERENCES chain_block (hash);
ALTER TABLE chain_consensus_order
    ADD CONSTRAINT consensus_order_block_known FOREIGN KEY (hash) REFERENCES chain_block (hash);
ALTER TABLE chain_epoch ADD CONSTRAINT epoch_block_known FOREIGN KEY (hash) REFERENCES chain_block (hash);
"""


class Migration(migrations.Migration):
    dependencies = [("chain", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, migrations.RunSQL.noop)]
