"""The errors that critlab raises on purpose, for users who catch them."""

from critlab._core.errors import CritlabError as CritlabError
from critlab._core.errors import DataError as DataError
from critlab._core.errors import Diverged as Diverged
from critlab._core.errors import InvalidValue as InvalidValue
from critlab._core.errors import StoreDamaged as StoreDamaged
from critlab._core.errors import StoreError as StoreError
from critlab._core.errors import StoreNewer as StoreNewer
from critlab._core.errors import StoreUnwritable as StoreUnwritable
from critlab._core.errors import StudyError as StudyError
