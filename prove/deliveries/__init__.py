"""Proofs about webhooks: what receivers do, what clocks do, where messages may go.

Each module has its engine as functions with sizes, and ``run`` puts them together. What every trial
is judged by is the same few lines of ``judge``; planted bugs (``plants``) must make it speak.
"""
