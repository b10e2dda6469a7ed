"""Programmes, prices and caps, requests, allocations, hand-overs."""
