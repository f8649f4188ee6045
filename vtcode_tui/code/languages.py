"""What a definition is in each language: node types of the tree-sitter grammars, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Language:
    """One grammar: the module that carries it, the nodes that define something, those that may hold such nodes."""

    module: str
    definitions: Mapping[str, str]
    """Node type -> kind."""
    holders: frozenset[str]
    """Node types that are looked into, besides the definitions themselves."""
    function: str = "language"
    """The name of the module's function that gives the grammar."""


_JS = {
    "function_declaration": "function",
    "generator_function_declaration": "function",
    "class_declaration": "class",
    "method_definition": "method",
    "variable_declarator": "function",
}
_JS_HOLDERS = frozenset(
    [
        "program",
        "export_statement",
        "class_body",
        "statement_block",
        "lexical_declaration",
        "variable_declaration",
        "if_statement",
        "else_clause",
        "try_statement",
    ]
)
_TS = {
    **_JS,
    "abstract_class_declaration": "class",
    "interface_declaration": "interface",
    "type_alias_declaration": "type",
    "enum_declaration": "enum",
    "internal_module": "namespace",
    "module": "namespace",
    "function_signature": "function",
    "method_signature": "method",
    "abstract_method_signature": "method",
}
_TS_HOLDERS = _JS_HOLDERS | {"ambient_declaration", "interface_body", "expression_statement"}
_C = {
    "function_definition": "function",
    "struct_specifier": "struct",
    "union_specifier": "union",
    "enum_specifier": "enum",
    "type_definition": "type",
    "preproc_def": "macro",
    "preproc_function_def": "macro",
}
_C_HOLDERS = frozenset(
    [
        "translation_unit",
        "preproc_ifdef",
        "preproc_if",
        "preproc_else",
        "preproc_elif",
        "linkage_specification",
        "declaration_list",
        "declaration",
    ]
)

LANGUAGES: Mapping[str, Language] = {
    "python": Language(
        "tree_sitter_python",
        {"function_definition": "function", "class_definition": "class"},
        frozenset(
            [
                "module",
                "block",
                "decorated_definition",
                "if_statement",
                "elif_clause",
                "else_clause",
                "try_statement",
                "except_clause",
                "finally_clause",
                "with_statement",
                "for_statement",
                "while_statement",
                "match_statement",
                "case_clause",
            ]
        ),
    ),
    "javascript": Language("tree_sitter_javascript", _JS, _JS_HOLDERS),
    "typescript": Language("tree_sitter_typescript", _TS, _TS_HOLDERS, "language_typescript"),
    "tsx": Language("tree_sitter_typescript", _TS, _TS_HOLDERS, "language_tsx"),
    "go": Language(
        "tree_sitter_go",
        {
            "function_declaration": "function",
            "method_declaration": "method",
            "type_spec": "type",
            "type_alias": "type",
            "const_spec": "constant",
            "var_spec": "variable",
        },
        frozenset(["source_file", "type_declaration", "const_declaration", "var_declaration", "var_spec_list"]),
    ),
    "rust": Language(
        "tree_sitter_rust",
        {
            "function_item": "function",
            "function_signature_item": "function",
            "struct_item": "struct",
            "enum_item": "enum",
            "union_item": "union",
            "trait_item": "trait",
            "impl_item": "impl",
            "mod_item": "module",
            "macro_definition": "macro",
            "type_item": "type",
            "const_item": "constant",
            "static_item": "variable",
        },
        frozenset({"source_file", "declaration_list", "block", "foreign_mod_item"}),
    ),
    "java": Language(
        "tree_sitter_java",
        {
            "class_declaration": "class",
            "interface_declaration": "interface",
            "enum_declaration": "enum",
            "record_declaration": "record",
            "annotation_type_declaration": "annotation",
            "method_declaration": "method",
            "constructor_declaration": "constructor",
            "compact_constructor_declaration": "constructor",
        },
        frozenset(
            [
                "program",
                "class_body",
                "interface_body",
                "enum_body",
                "enum_body_declarations",
                "annotation_type_body",
            ]
        ),
    ),
    "c": Language("tree_sitter_c", _C, _C_HOLDERS),
    "cpp": Language(
        "tree_sitter_cpp",
        {
            **_C,
            "class_specifier": "class",
            "namespace_definition": "namespace",
            "alias_declaration": "type",
            "concept_definition": "concept",
        },
        _C_HOLDERS | {"template_declaration", "field_declaration_list", "field_declaration"},
    ),
    "ruby": Language(
        "tree_sitter_ruby",
        {"method": "method", "singleton_method": "method", "class": "class", "module": "module"},
        frozenset({"program", "body_statement", "singleton_class", "begin", "if", "then"}),
    ),
    "bash": Language(
        "tree_sitter_bash",
        {"function_definition": "function"},
        frozenset({"program", "if_statement", "compound_statement", "else_clause", "elif_clause"}),
    ),
}

_SUFFIXES: Mapping[str, str] = {
    "python": "py pyi pyw", "javascript": "js jsx mjs cjs", "typescript": "ts mts cts", "tsx": "tsx", "go": "go",
    "rust": "rs", "java": "java", "c": "c h", "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp tpp cu",
    "ruby": "rb rake gemspec", "bash": "sh bash bats ksh",
}  # fmt: skip
BY_SUFFIX: Mapping[str, str] = {suffix: name for name, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
BY_NAME: Mapping[str, str] = {"Rakefile": "ruby", "Gemfile": "ruby", "PKGBUILD": "bash", ".bashrc": "bash"}


def language_of(path: str, start: bytes = b"") -> str:
    """The language of a file by its name, or by its first line; empty when it is none of ours."""
    name = path.rpartition("/")[2]
    if known := BY_NAME.get(name) or BY_SUFFIX.get(name.rpartition(".")[2].lower() if "." in name else ""):
        return known
    first = start.split(b"\n", 1)[0][:80]
    if first.startswith(b"#!"):
        for word, language in ((b"python", "python"), (b"sh", "bash"), (b"node", "javascript"), (b"ruby", "ruby")):
            if word in first:
                return language
    return ""
