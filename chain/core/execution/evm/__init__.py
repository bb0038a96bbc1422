"""The EVM: py-evm's rules over our flat state.  The only package that imports ``eth``."""
