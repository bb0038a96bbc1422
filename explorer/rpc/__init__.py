"""JSON-RPC methods that need the explorer's indexes, and Otterscan's others beside them."""
