"""Measurements: the framework beside a bare floor application, in one run (`make bench`)."""
