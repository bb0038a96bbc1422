"""How the node is started and kept alive: data folder, keys, embedded servers, supervisor."""
