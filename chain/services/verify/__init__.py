"""Checking a whole chain against its genesis: every row that the node keeps follows from the blocks."""

from chain.services.verify.chain import Verification, verify_chain

__all__ = ["Verification", "verify_chain"]
