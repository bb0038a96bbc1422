"""Routes of the operator's web.  tests/admin_ui/test_access.py holds what each asks of whom."""

from __future__ import annotations

from django.urls import path, register_converter

from admin_ui.inputs import AddressConverter
from admin_ui.views import (
    abis,
    access,
    alerts,
    auth,
    backups,
    logs,
    mining,
    overview,
    pool,
    processes,
    servers,
    settings,
    setup,
    shards,
    trail,
    users,
)

register_converter(AddressConverter, "operator_address")

app_name = "operator"
urlpatterns = [
    path("operator/login/", auth.login, name="login"),
    path("operator/logout/", auth.logout, name="logout"),
    path("operator/password/", auth.password, name="password"),
    path("operator/setup/", setup.setup, name="setup"),
    path("operator/", overview.overview, name="overview"),
    path("operator/mining/", mining.mining, name="mining"),
    path("operator/mining/start/", mining.start, name="mining-start"),
    path("operator/mining/stop/", mining.stop, name="mining-stop"),
    path("operator/mining/share/", mining.share, name="mining-share"),
    path("operator/mining/coinbase/", mining.coinbase, name="mining-coinbase"),
    path("operator/ordering/", mining.ordering, name="ordering"),
    path("operator/ordering/choose/", mining.choose_ordering, name="ordering-choose"),
    path("operator/pool/", pool.pool, name="pool"),
    path("operator/pool/sender/<operator_address:address>/", pool.sender, name="pool-sender"),
    path("operator/pool/drop/", pool.drop, name="pool-drop"),
    path("operator/pool/drop-sender/", pool.drop_sender, name="pool-drop-sender"),
    path("operator/shards/", shards.shards, name="shards"),
    path("operator/processes/", processes.processes, name="processes"),
    path("operator/processes/restart/", processes.restart, name="processes-restart"),
    path("operator/settings/", settings.settings, name="settings"),
    path("operator/settings/change/", settings.change, name="settings-change"),
    path("operator/settings/servers/", servers.choose, name="settings-servers"),
    path("operator/settings/servers/forget/", servers.forget, name="settings-servers-forget"),
    path("operator/processes/restart-node/", servers.restart, name="processes-restart-node"),
    path("operator/keys/", access.keys, name="keys"),
    path("operator/keys/create/", access.create, name="keys-create"),
    path("operator/keys/change/", access.change, name="keys-change"),
    path("operator/keys/revoke/", access.revoke, name="keys-revoke"),
    path("operator/abis/", abis.abis, name="abis"),
    path("operator/abis/publish/", abis.publish, name="abis-publish"),
    path("operator/abis/withdraw/", abis.withdraw, name="abis-withdraw"),
    path("operator/alerts/", alerts.alerts, name="alerts"),
    path("operator/alerts/acknowledge/", alerts.acknowledge, name="alerts-acknowledge"),
    path("operator/audit/", trail.audit_log, name="audit"),
    path("operator/audit.csv", trail.export, name="audit-csv"),
    path("operator/users/", users.users, name="users"),
    path("operator/users/create/", users.create, name="users-create"),
    path("operator/users/role/", users.role, name="users-role"),
    path("operator/users/active/", users.active, name="users-active"),
    path("operator/users/reset/", users.reset, name="users-reset"),
    path("operator/logs/", logs.logs, name="logs"),
    path("operator/backups/", backups.backups, name="backups"),
    path("operator/backups/start/", backups.start, name="backups-start"),
]
