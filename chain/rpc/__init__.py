"""JSON-RPC 2.0 over HTTP and WebSocket: Ethereum's methods and the node's own (docs: interfaces, section 2)."""
