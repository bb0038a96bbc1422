"""A seeded network simulator, and the attacks that shaped the protocol as its tests.

Time is simulated in milliseconds and chance comes from one seeded generator, so a run is a pure function
of its seed.  Two levels of fidelity:

* ``ledger``, ``nodes``, ``miners``: real headers, colours, bounds, difficulty and lottery, without bodies
  or execution; one ledger serves all nodes, for what a block says depends on its past alone.  Hours of
  simulated time take seconds.
* ``engines``: one whole consensus engine per node, with execution, commitments and real stream C seals.

``rules`` holds the protocol's rules and, for each attack, the rule as it would be without its guard: a
scenario must fail on those, or it shows nothing.  ``python -m tests.simulation`` prints every figure of
docs/protocol/security.md.
"""
