"""The second opinion: a capture as tshark reads it, beside our reading of it."""
