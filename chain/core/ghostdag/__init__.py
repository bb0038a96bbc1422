"""GHOSTDAG: colours, order, bounds, tips and the sink of a block DAG (protocol §6; eprint 2018/104)."""

from chain.core.ghostdag.dag import Dag
from chain.core.ghostdag.evaluation import Evaluation
from chain.core.ghostdag.retention import history_depth
from chain.core.ghostdag.views import BlockView

__all__ = ["BlockView", "Dag", "Evaluation", "history_depth"]
