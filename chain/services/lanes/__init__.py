"""Lanes of large epochs in other processes (phase 1 of protocol §8)."""

from chain.services.lanes.dispatch import LaneDispatch, LanePolicy, lane_dispatch, lane_policy
from chain.services.lanes.work import work_off

__all__ = ["LaneDispatch", "LanePolicy", "lane_dispatch", "lane_policy", "work_off"]
