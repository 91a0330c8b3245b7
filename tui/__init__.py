"""The terminal interface: a timeline of exchanges, and for each denial who said it and why.

Widgets know the trace and the verdicts, never a parser. Text from the wire goes through
`tracer.views.safe` and is only ever appended to `rich.text.Text`: it is never markup.
"""
