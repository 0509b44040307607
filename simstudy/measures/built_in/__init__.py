"""The measures, a record each, in the order of a summary within their sections.

Importing this package registers every module in it.
"""

from importlib import import_module
from pkgutil import iter_modules

for _module in sorted(iter_modules(__path__), key=lambda module: module.name):
    import_module(f"{__name__}.{_module.name}")
