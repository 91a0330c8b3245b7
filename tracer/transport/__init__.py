"""Packets to ordered bytes: TCP streams with explicit gaps."""
