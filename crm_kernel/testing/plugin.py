"""The pytest plugin for plugin authors: fixtures of the public test kit."""
