"""Asking again: a recorded request is sent as it was, or changed, and the answers are compared.

`asked` takes a request out of a trace, `change` changes it, `h1_out` and `h2_out` write it down, `door` sends it (the
only module with a socket), `compare` and `outcome` say what became of it; `search` finds the part that is forbidden.
"""
