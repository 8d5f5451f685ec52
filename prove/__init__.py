"""Proofs: faults thrown at the real program, and a judge that has been seen to find planted ones.

    make prove                              everything, long form
    python -m prove A1 A4 --scale 0.1       two of them, a tenth as long

A proof is a module of this folder (or of a folder in it) that says ``PROOFS = {"A1": run}``, one
entry per proof it holds, where ``run(*, scale: float, seed: int) -> Outcome``. ``scale`` 1.0 is the
long form; every count is multiplied by it. What each one does stands in ``docs/proofs.md``.
"""
