"""Code intelligence: tree-sitter symbols and outlines, fuzzy file search."""
