"""The methods, one module a namespace; importing a module registers its methods."""
