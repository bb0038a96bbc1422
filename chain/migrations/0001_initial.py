import chain.fields
import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.expressions
from django.db import migrations, models

from chain.migrations._operations import CreatePartitionedModel


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        CreatePartitionedModel(
            name='AccountCurrent',
            fields=[
                ('pk', models.CompositePrimaryKey('shard', 'address', blank=True, editable=False, primary_key=True, serialize=False)),
                ('shard', models.PositiveSmallIntegerField()),
                ('address', chain.fields.AddressField()),
                ('nonce', models.PositiveBigIntegerField()),
                ('balance', chain.fields.Uint256Field()),
                ('code_hash', chain.fields.HashField(null=True)),
            ],
            options={
                'db_table': 'chain_account_current',
            },
        ),
        migrations.CreateModel(
            name='BlockParent',
            fields=[
                ('pk', models.CompositePrimaryKey('parent', 'block', blank=True, editable=False, primary_key=True, serialize=False)),
                ('parent', chain.fields.HashField()),
                ('block', chain.fields.HashField()),
            ],
            options={
                'db_table': 'chain_block_parent',
            },
        ),
        migrations.CreateModel(
            name='Code',
            fields=[
                ('hash', chain.fields.HashField(primary_key=True, serialize=False)),
                ('code', models.BinaryField()),
            ],
            options={
                'db_table': 'chain_code',
            },
        ),
        migrations.CreateModel(
            name='NodeSetting',
            fields=[
                ('key', models.CharField(max_length=64, primary_key=True, serialize=False)),
                ('value', models.JSONField()),
                ('updated_by', models.CharField(max_length=150)),
                ('updated_ms', models.PositiveBigIntegerField()),
            ],
            options={
                'db_table': 'chain_node_setting',
            },
        ),
        migrations.CreateModel(
            name='OutboxEvent',
            fields=[
                ('sequence', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(max_length=32)),
                ('payload', models.JSONField()),
                ('created_ms', models.PositiveBigIntegerField()),
            ],
            options={
                'db_table': 'chain_outbox_event',
            },
        ),
        migrations.CreateModel(
            name='SelectedChain',
            fields=[
                ('number', models.PositiveBigIntegerField(primary_key=True, serialize=False)),
                ('hash', chain.fields.HashField(unique=True)),
            ],
            options={
                'db_table': 'chain_selected_chain',
            },
        ),
        migrations.CreateModel(
            name='ShardLattice',
            fields=[
                ('shard', models.PositiveSmallIntegerField(primary_key=True, serialize=False)),
                ('lattice', chain.fields.FixedBytesField(2048)),
                ('number', models.PositiveBigIntegerField()),
            ],
            options={
                'db_table': 'chain_shard_lattice',
            },
        ),
        CreatePartitionedModel(
            name='SlotCurrent',
            fields=[
                ('pk', models.CompositePrimaryKey('shard', 'address', 'slot', blank=True, editable=False, primary_key=True, serialize=False)),
                ('shard', models.PositiveSmallIntegerField()),
                ('address', chain.fields.AddressField()),
                ('slot', chain.fields.HashField()),
                ('value', chain.fields.HashField()),
            ],
            options={
                'db_table': 'chain_slot_current',
            },
        ),
        migrations.CreateModel(
            name='Acceptance',
            fields=[
                ('pk', models.CompositePrimaryKey('number', 'index', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('index', models.PositiveIntegerField()),
                ('tx', chain.fields.HashField(unique=True)),
                ('block', chain.fields.HashField()),
                ('position', models.PositiveIntegerField()),
                ('phase', models.PositiveSmallIntegerField()),
                ('lane', models.PositiveSmallIntegerField()),
                ('status', models.PositiveSmallIntegerField()),
                ('gas_used', models.PositiveBigIntegerField()),
                ('cumulative_gas_used', models.PositiveBigIntegerField()),
                ('effective_gas_price', chain.fields.Uint256Field()),
                ('contract_address', chain.fields.AddressField(null=True)),
                ('first_log', models.PositiveIntegerField()),
                ('log_count', models.PositiveIntegerField()),
            ],
            options={
                'db_table': 'chain_acceptance',
                'constraints': [models.CheckConstraint(condition=models.Q(('status__lte', 1)), name='acceptance_status'), models.CheckConstraint(condition=models.Q(('phase__gte', 1), ('phase__lte', 3)), name='acceptance_phase'), models.CheckConstraint(condition=models.Q(('gas_used__lte', models.F('cumulative_gas_used'))), name='acceptance_gas_cumulates')],
            },
        ),
        CreatePartitionedModel(
            name='AccountVersion',
            fields=[
                ('pk', models.CompositePrimaryKey('shard', 'address', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('shard', models.PositiveSmallIntegerField()),
                ('address', chain.fields.AddressField()),
                ('number', models.PositiveBigIntegerField()),
                ('nonce', models.PositiveBigIntegerField(null=True)),
                ('balance', chain.fields.Uint256Field(null=True)),
                ('code_hash', chain.fields.HashField(null=True)),
            ],
            options={
                'db_table': 'chain_account_version',
                'indexes': [django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['number'], name='account_version_number', pages_per_range=16)],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('balance__isnull', False), ('nonce__isnull', False)), models.Q(('balance__isnull', True), ('code_hash__isnull', True), ('nonce__isnull', True)), _connector='OR'), name='account_version_whole_or_gone')],
            },
        ),
        migrations.CreateModel(
            name='Block',
            fields=[
                ('hash', chain.fields.HashField(primary_key=True, serialize=False)),
                ('seq', models.PositiveBigIntegerField(unique=True)),
                ('version', models.PositiveIntegerField()),
                ('chain_id', chain.fields.Uint64Field()),
                ('stream', models.PositiveSmallIntegerField()),
                ('parents', django.contrib.postgres.fields.ArrayField(base_field=chain.fields.HashField(), size=None)),
                ('timestamp_ms', models.PositiveBigIntegerField()),
                ('target', models.PositiveBigIntegerField()),
                ('count_a', models.PositiveBigIntegerField()),
                ('count_b', models.PositiveBigIntegerField()),
                ('count_c', models.PositiveBigIntegerField()),
                ('blue_score', models.PositiveBigIntegerField()),
                ('blue_work', chain.fields.Uint256Field()),
                ('number', models.PositiveBigIntegerField()),
                ('coinbase', chain.fields.AddressField()),
                ('vrf_key', chain.fields.HashField()),
                ('tx_root', chain.fields.HashField()),
                ('state_root', chain.fields.HashField()),
                ('receipts_root', chain.fields.HashField()),
                ('gas_used', chain.fields.Uint64Field()),
                ('base_fee', chain.fields.Uint256Field()),
                ('extra', models.BinaryField()),
                ('seal', django.contrib.postgres.fields.ArrayField(base_field=models.BinaryField(), size=None)),
                ('status', models.CharField(max_length=12)),
                ('selected_parent', chain.fields.HashField(null=True)),
                ('blues', django.contrib.postgres.fields.ArrayField(base_field=chain.fields.HashField(), size=None)),
                ('reds', django.contrib.postgres.fields.ArrayField(base_field=chain.fields.HashField(), size=None)),
                ('work_score', models.PositiveBigIntegerField()),
                ('weight', chain.fields.Uint256Field()),
                ('line', chain.fields.HashField()),
                ('lot', chain.fields.HashField()),
                ('drift_a', models.BigIntegerField()),
                ('gap_a', models.PositiveBigIntegerField()),
                ('drift_b', models.BigIntegerField()),
                ('gap_b', models.PositiveBigIntegerField()),
                ('source', models.CharField(max_length=16)),
                ('received_ms', models.PositiveBigIntegerField()),
                ('size', models.PositiveIntegerField()),
                ('tx_count', models.PositiveIntegerField()),
            ],
            options={
                'db_table': 'chain_block',
                'indexes': [models.Index(models.OrderBy(models.F('blue_score'), descending=True), name='block_blue_score'), models.Index(fields=['timestamp_ms'], name='block_timestamp')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['header_only', 'body_valid', 'chain_valid', 'disqualified', 'invalid'])), name='block_status_known'), models.CheckConstraint(condition=models.Q(('stream__lte', 3)), name='block_stream_known'), models.CheckConstraint(condition=models.Q(models.Q(('number', 0), ('selected_parent__isnull', True), ('stream', 0)), models.Q(('number__gt', 0), ('selected_parent__isnull', False), ('stream__gt', 0)), _connector='OR'), name='block_only_genesis_is_alone'), models.CheckConstraint(condition=models.Q(('work_score', django.db.models.expressions.CombinedExpression(models.F('count_a'), '+', models.F('count_b')))), name='block_work_score_is_a_plus_b')],
            },
        ),
        migrations.CreateModel(
            name='BlockTransaction',
            fields=[
                ('pk', models.CompositePrimaryKey('block', 'position', blank=True, editable=False, primary_key=True, serialize=False)),
                ('block', chain.fields.HashField()),
                ('position', models.PositiveIntegerField()),
                ('tx', chain.fields.HashField()),
            ],
            options={
                'db_table': 'chain_block_transaction',
                'indexes': [django.contrib.postgres.indexes.HashIndex(fields=['tx'], name='block_transaction_tx')],
            },
        ),
        migrations.CreateModel(
            name='Candidate',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('hash', chain.fields.HashField(unique=True)),
                ('state', models.CharField(max_length=9)),
                ('raw', models.BinaryField(null=True)),
                ('senders', models.BinaryField(null=True)),
                ('missing', django.contrib.postgres.fields.ArrayField(base_field=chain.fields.HashField(), default=list, size=None)),
                ('until_ms', models.PositiveBigIntegerField(null=True)),
                ('code', models.CharField(max_length=64, null=True)),
                ('source', models.CharField(max_length=16)),
                ('received_ms', models.PositiveBigIntegerField()),
                ('size', models.PositiveIntegerField()),
            ],
            options={
                'db_table': 'chain_candidate',
                'indexes': [models.Index(condition=models.Q(('state', 'refused'), _negated=True), fields=['state', 'id'], name='candidate_work_list')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ('received', 'validated', 'parked', 'refused'))), name='candidate_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('code__isnull', False), ('raw__isnull', True), ('state', 'refused')), models.Q(models.Q(('state', 'refused'), _negated=True), ('raw__isnull', False)), _connector='OR'), name='candidate_bytes_unless_refused'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'validated'), _negated=True), ('senders__isnull', False), _connector='OR'), name='candidate_validated_has_senders')],
            },
        ),
        migrations.CreateModel(
            name='ChainIdentity',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('network', models.CharField(max_length=32)),
                ('genesis_hash', chain.fields.HashField()),
                ('shard_count', models.PositiveSmallIntegerField()),
                ('layout', models.PositiveIntegerField()),
                ('created_ms', models.PositiveBigIntegerField()),
            ],
            options={
                'db_table': 'chain_identity',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='chain_identity_one_row')],
            },
        ),
        migrations.CreateModel(
            name='ConsensusOrder',
            fields=[
                ('hash', chain.fields.HashField(primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('position', models.PositiveIntegerField()),
                ('is_blue', models.BooleanField()),
            ],
            options={
                'db_table': 'chain_consensus_order',
                'constraints': [models.UniqueConstraint(fields=('number', 'position'), name='consensus_order_place')],
            },
        ),
        migrations.CreateModel(
            name='Epoch',
            fields=[
                ('hash', chain.fields.HashField(primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('parent', chain.fields.HashField(null=True)),
                ('timestamp_ms', models.PositiveBigIntegerField()),
                ('base_fee', chain.fields.Uint256Field()),
                ('state_root', chain.fields.HashField()),
                ('receipts_root', chain.fields.HashField()),
                ('gas_used', models.PositiveBigIntegerField()),
                ('logs_bloom', chain.fields.FixedBytesField(256)),
                ('gas_left', models.PositiveBigIntegerField()),
                ('tx_left', models.PositiveBigIntegerField()),
                ('admitted_gas', models.PositiveBigIntegerField()),
                ('admitted_count', models.PositiveBigIntegerField()),
                ('reserved_gas', models.PositiveBigIntegerField()),
                ('next_base_fee', chain.fields.Uint256Field()),
                ('minted', chain.fields.Uint256Field()),
                ('supply', chain.fields.Uint256Field()),
                ('rewards', chain.fields.Uint256Field()),
                ('base_fees_burned', chain.fields.Uint256Field()),
                ('tips_burned', chain.fields.Uint256Field()),
                ('destroyed', chain.fields.Uint256Field()),
                ('reward_to', django.contrib.postgres.fields.ArrayField(base_field=chain.fields.AddressField(), size=None)),
                ('reward_wei', django.contrib.postgres.fields.ArrayField(base_field=chain.fields.Uint256Field(), size=None)),
                ('lattice_digests', models.BinaryField()),
                ('tx_count', models.PositiveIntegerField()),
                ('skipped_count', models.PositiveIntegerField()),
                ('log_count', models.PositiveIntegerField()),
                ('lane_txs', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)),
                ('phase_txs', django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=3)),
            ],
            options={
                'db_table': 'chain_epoch',
                'constraints': [models.CheckConstraint(condition=models.Q(('supply__lte', models.F('minted'))), name='epoch_supply_within_minted')],
            },
        ),
        migrations.CreateModel(
            name='Log',
            fields=[
                ('pk', models.CompositePrimaryKey('number', 'index', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('index', models.PositiveIntegerField()),
                ('tx_index', models.PositiveIntegerField()),
                ('address', chain.fields.AddressField()),
                ('topic0', chain.fields.HashField(null=True)),
                ('topic1', chain.fields.HashField(null=True)),
                ('topic2', chain.fields.HashField(null=True)),
                ('topic3', chain.fields.HashField(null=True)),
                ('data', models.BinaryField()),
            ],
            options={
                'db_table': 'chain_log',
                'indexes': [models.Index(fields=['address', 'number'], name='log_address'), models.Index(condition=models.Q(('topic0__isnull', False)), fields=['topic0', 'number'], name='log_topic0'), models.Index(condition=models.Q(('topic1__isnull', False)), fields=['topic1', 'number'], name='log_topic1'), models.Index(condition=models.Q(('topic2__isnull', False)), fields=['topic2', 'number'], name='log_topic2')],
                'constraints': [models.CheckConstraint(condition=models.Q(('topic0__isnull', False), ('topic1__isnull', True), _connector='OR'), name='log_topic1_after_topic0'), models.CheckConstraint(condition=models.Q(('topic1__isnull', False), ('topic2__isnull', True), _connector='OR'), name='log_topic2_after_topic1'), models.CheckConstraint(condition=models.Q(('topic2__isnull', False), ('topic3__isnull', True), _connector='OR'), name='log_topic3_after_topic2')],
            },
        ),
        migrations.CreateModel(
            name='NodeState',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('sequence', models.PositiveBigIntegerField()),
                ('sink', chain.fields.HashField()),
                ('sink_number', models.PositiveBigIntegerField()),
                ('finality_point', chain.fields.HashField()),
                ('tips', django.contrib.postgres.fields.ArrayField(base_field=chain.fields.HashField(), size=None)),
                ('virtual', models.BinaryField(null=True)),
                ('blocks_by_stream', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), size=4)),
                ('accepted', models.PositiveBigIntegerField()),
                ('reorgs', models.PositiveBigIntegerField()),
                ('deepest_reorg', models.PositiveIntegerField()),
                ('updated_ms', models.PositiveBigIntegerField()),
            ],
            options={
                'db_table': 'chain_node_state',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='node_state_one_row')],
            },
        ),
        migrations.CreateModel(
            name='Skipped',
            fields=[
                ('pk', models.CompositePrimaryKey('number', 'ordinal', blank=True, editable=False, primary_key=True, serialize=False)),
                ('number', models.PositiveBigIntegerField()),
                ('ordinal', models.PositiveIntegerField()),
                ('tx', chain.fields.HashField()),
                ('block', chain.fields.HashField()),
                ('reason', models.PositiveSmallIntegerField()),
            ],
            options={
                'db_table': 'chain_skipped',
                'indexes': [django.contrib.postgres.indexes.HashIndex(fields=['tx'], name='skipped_tx')],
            },
        ),
        CreatePartitionedModel(
            name='SlotVersion',
            fields=[
                ('pk', models.CompositePrimaryKey('shard', 'address', 'slot', 'number', blank=True, editable=False, primary_key=True, serialize=False)),
                ('shard', models.PositiveSmallIntegerField()),
                ('address', chain.fields.AddressField()),
                ('slot', chain.fields.HashField()),
                ('number', models.PositiveBigIntegerField()),
                ('value', chain.fields.HashField(null=True)),
            ],
            options={
                'db_table': 'chain_slot_version',
                'indexes': [django.contrib.postgres.indexes.BrinIndex(autosummarize=True, fields=['number'], name='slot_version_number', pages_per_range=16)],
            },
        ),
        migrations.CreateModel(
            name='Transaction',
            fields=[
                ('hash', chain.fields.HashField(primary_key=True, serialize=False)),
                ('sender', chain.fields.AddressField()),
                ('nonce', chain.fields.Uint64Field()),
                ('raw', models.BinaryField()),
            ],
            options={
                'db_table': 'chain_transaction',
                'indexes': [models.Index(fields=['sender', 'nonce'], name='transaction_sender_nonce')],
            },
        ),
        migrations.CreateModel(
            name='WriterTerm',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('term', models.PositiveBigIntegerField()),
                ('holder', models.CharField(max_length=128)),
                ('since_ms', models.PositiveBigIntegerField()),
            ],
            options={
                'db_table': 'chain_writer_term',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='writer_term_one_row')],
            },
        ),
    ]
