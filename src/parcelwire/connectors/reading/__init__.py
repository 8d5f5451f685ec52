"""A toolbox for connectors: how untrusted answers are read, once and alike for every carrier.

======================  ===========================================================================
``values``              JSON values, taken for what they are or for None
``xml``                 XML, without entities, as nested values
``times``               times, and how their offset is known; ``wall_clock`` has the rule behind it
``units``               weights and dimensions, as numbers or as printed text
``returns``             deliveries that are the end of a return
======================  ===========================================================================

Whatever a carrier sends, nothing here raises unless its docstring names the error, and nothing
takes longer than its input is long.
"""
