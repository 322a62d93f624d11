"""What is known: records and checkpoints as files, named by digest; torch-free."""

from critlab.store.store import Store as Store
