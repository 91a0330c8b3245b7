"""tracer: which hop said 403, and why.

Data goes one way: capture -> transport -> tls, http -> model -> store -> correlate -> views and formats.
`tracer.pipeline` is the only module that knows the order. Importing this package imports nothing else.
"""

__version__ = "0.1.0"
