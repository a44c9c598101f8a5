"""Formulas over one record and rollups over those that refer to it: read, checked by type, put in order (floor 3)."""
