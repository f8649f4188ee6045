"""vtcode: a full-screen terminal coding agent that a security team would sign off.

Nothing is imported here: the spawner's children import rooms of this package with the standard library only.
"""

__version__ = "0.1.0"
