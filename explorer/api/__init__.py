"""Reading the explorer by programs: ``/api/v1/`` (docs/api.md), and ``/api?module=`` in Etherscan's manner."""
