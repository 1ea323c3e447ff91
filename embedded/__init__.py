"""The whole service on one machine with nothing but Python: emulator, API, worker and model as processes."""
