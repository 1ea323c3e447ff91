"""Plugins for LocalStack that stand in for Docker; they run in LocalStack's process."""
