"""QUIC from datagrams: packets, protection, the handshake inside, streams."""
