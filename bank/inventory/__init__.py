"""The register: one row per device, one door to change it (`register.py`)."""
