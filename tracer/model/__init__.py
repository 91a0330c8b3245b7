"""What a trace is made of: frozen values that every stage shares and none owns.

Times are integer nanoseconds since the epoch. Bytes are kept as received. Addresses are text,
`10.0.0.1:443` or `[::1]:443`. `None` means "cannot be known from what was captured", never a guess.
"""
