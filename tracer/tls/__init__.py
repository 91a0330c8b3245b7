"""TLS from ordered bytes: records, handshakes, alerts, certificates, keys."""
