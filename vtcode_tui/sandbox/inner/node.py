"""What stood in a protected place, so that it can be compared and put back."""

from __future__ import annotations


class Node:
    """A file, link or folder as it was."""

    __slots__ = ("attributes", "children", "data", "kind", "mode", "stamp")

    def __init__(
        self, kind: str, mode: int = 0, data: bytes | None = b"", stamp: tuple[int, ...] | None = None
    ) -> None:
        self.kind = kind
        self.mode = mode
        self.data = data
        """Content of a file, target of a link; None for a file that was too large to keep."""
        self.stamp = stamp
        """Identity, size and times of a file when it was read."""
        self.attributes: dict[str, bytes] = {}
        """Extended attributes of a file or folder, access lists among them."""
        self.children: dict[str, Node] = {}

    def same(self, other: Node) -> bool:
        """Whether nothing changed between two snapshots."""
        if (self.kind, self.mode, self.data) != (other.kind, other.mode, other.data):
            return False
        if self.attributes != other.attributes:
            return False
        if self.children.keys() != other.children.keys():
            return False
        return all(child.same(other.children[name]) for name, child in self.children.items())
