"""The parts of a design, a file and a registration each. They know no method.

Importing this package registers every module in it.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
