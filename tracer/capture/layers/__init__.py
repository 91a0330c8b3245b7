"""Headers of single frames: one function a protocol, from a frame at its header to what comes next."""
