"""The import graph of the package: no file imports itself by way of others, and no folder imports back."""

import grimp

GRAPH = grimp.build_graph("asyncinweb", exclude_type_checking_imports=True)
# Its files are the top and the bottom of the house; the layers contract in pyproject.toml keeps them apart.
ROOT = "asyncinweb"


def test_no_file_imports_itself_by_way_of_others() -> None:
    files = {module for module in GRAPH.modules if not GRAPH.find_children(module)}

    assert len(files) > 100
    assert [file for file in files if imports_itself(file)] == []


def test_no_folder_imports_back() -> None:
    arrows = {
        (folder_of(module), folder_of(imported))
        for module in GRAPH.modules
        for imported in GRAPH.find_modules_directly_imported_by(module)
    }
    between_folders = {(one, other) for one, other in arrows if one != other and ROOT not in (one, other)}

    assert len(between_folders) > 20
    assert {(one, other) for one, other in between_folders if (other, one) in between_folders} == set()


def imports_itself(file: str) -> bool:
    """True if a file that this one imports imports it in turn, directly or by way of others."""
    importers = GRAPH.find_downstream_modules(file)
    return not importers.isdisjoint(GRAPH.find_modules_directly_imported_by(file))


def folder_of(module: str) -> str:
    """The folder that a module's file lies in."""
    return module if GRAPH.find_children(module) else module.rpartition(".")[0]
