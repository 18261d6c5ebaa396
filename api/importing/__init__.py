"""The import of complaints from a CSV file, by a mapping that says what its columns mean."""

from api.importing.mapping import Mapping, MappingError, load_mapping
from api.importing.records import FileProblem
from api.importing.rejects import default_rejects
from api.importing.run import ImportResult, import_file, summary

__all__ = [
    "FileProblem",
    "ImportResult",
    "Mapping",
    "MappingError",
    "default_rejects",
    "import_file",
    "load_mapping",
    "summary",
]
