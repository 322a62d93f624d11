"""A process that claims names in a store and holds them until its standard input is closed."""

HOLD = """
import sys
from pathlib import Path
from critlab.store.disk.locks import Locks
print(Locks(Path(sys.argv[1])).claim(sys.argv[2:]), flush=True)
sys.stdin.read()
"""
