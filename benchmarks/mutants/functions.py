"""Functions of a module: which are called, and their code by place."""

from __future__ import annotations

import ast
from types import CodeType


class Notes(ast.NodeTransformer):
    """Puts a note at the beginning of each function of a file; see ``Server.note_calls``."""

    def __init__(self, file: str) -> None:
        self.file, self.scope = file, [""]

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        self.scope.append(f"{self.scope[-1]}{node.name}.")
        self.generic_visit(node)
        self.scope.pop()
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        name = f"{self.file}:{self.scope[-1]}{node.name}"
        if not any("compiled" in ast.unparse(each) for each in node.decorator_list):
            note = ast.parse(f"noted_calls.add({name!r})").body[0]
            node.body.insert(0, ast.copy_location(note, node.body[0]))
        return node


def where(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def codes(code: CodeType) -> dict[tuple[str, str, int], CodeType]:
    inner = {where(code): code}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            inner |= codes(constant)
    return inner
