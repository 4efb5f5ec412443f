"""Tell what lies beside images and is none, by its name alone.

Knows names that systems, shares, editors and archives leave behind; not folders' order.
"""

import re
from pathlib import PurePosixPath

# Files that lie beside images and are none. Anything else is listed, and what turns out
# to be no image is counted as unreadable.
SIDE_FILES = frozenset(
    {
        ".bib", ".cfg", ".css", ".csv", ".db", ".doc", ".docx", ".dvc", ".geojson",
        ".h5", ".hdf5", ".htm", ".html", ".ini", ".ipynb", ".js", ".json", ".jsonl",
        ".lnk", ".log", ".mat", ".md", ".md5", ".md5sum", ".npy", ".npz", ".ods",
        ".parquet", ".pdf", ".pickle", ".pkl", ".ppt", ".pptx", ".py", ".r", ".rst",
        ".sh", ".sha256", ".sqlite", ".toml", ".tsv", ".txt", ".url", ".xls", ".xlsx",
        ".xml", ".yaml", ".yml",
    }
)  # fmt: skip
SIDE_NAMES = frozenset({"checksums", "citation", "licence", "license", "readme"})
ARCHIVES = {  # ending → the command that unpacks it, before the archive and the folder
    ".tar.gz": "tar -xf {archive} -C {folder}",
    ".tar.bz2": "tar -xf {archive} -C {folder}",
    ".tar.xz": "tar -xf {archive} -C {folder}",
    ".tar.zst": "tar --zstd -xf {archive} -C {folder}",
    ".tgz": "tar -xf {archive} -C {folder}",
    ".tar": "tar -xf {archive} -C {folder}",
    ".zip": "unzip -q {archive} -d {folder}",
    ".7z": "7z x {archive} -o{folder}",
    ".rar": "unrar x {archive} {folder}/",
}
# What NAS, desktops, archives and editors add; in small letters.
LITTER_FOLDERS = frozenset(
    {
        "#recycle", "#snapshot", "$recycle.bin", "@eadir", "@recently-snapshot",
        "@recycle", "@tmp", "__macosx", "__pycache__", "lost+found",
        "network trash folder", "recycler", "system volume information",
        "temporary items",
    }
)  # fmt: skip
LITTER_FILES = frozenset(
    {"desktop.ini", "ehthumbs.db", "ehthumbs_vista.db", "icon\r", "thumbs.db"}
)
HIDDEN_LITTER = frozenset(
    {
        ".ds_store", ".ipynb_checkpoints", ".appledouble", ".@__thumb", ".trash",
        ".trashes", ".spotlight-v100", ".fseventsd", ".git",
    }
)  # fmt: skip
UNFINISHED = re.compile(r"\.(crdownload|part|partial|tmp|temp|swp|download)$|^~\$|~$")


def why_no_image(path: PurePosixPath) -> str | None:
    """Return why a file is none of the images it lies beside, None if it may be one.

    Args:
        path: Relative to the source.

    Returns:
        `litter` of systems and programs, `hidden`, `archive`, `side_file` or None.

    Example:
        >>> why_no_image(PurePosixPath("lung_n/@eaDir/1.jpeg/SYNOPHOTO_THUMB_M.jpg"))
        'litter'
        >>> why_no_image(PurePosixPath("lung_n/notes.txt"))
        'side_file'
    """
    if _is_litter(path):
        return "litter"
    if any(part.startswith(".") for part in path.parts):
        return "hidden"
    if archive_ending(path.name):
        return "archive"
    name = path.name.casefold()
    is_side = path.suffix.lower() in SIDE_FILES or name in SIDE_NAMES
    return "side_file" if is_side else None


def archive_ending(name: str) -> str | None:
    """Return the ending of an archive's name, None for another file.

    Example:
        >>> archive_ending("LC25000.tar.gz"), archive_ending("1.png")
        ('.tar.gz', None)
    """
    small = name.casefold()
    return next((ending for ending in ARCHIVES if small.endswith(ending)), None)


def _is_litter(path: PurePosixPath) -> bool:
    parts = [part.casefold() for part in path.parts]
    folders = LITTER_FOLDERS | HIDDEN_LITTER
    name = parts[-1] if parts else ""
    return (
        any(part in folders for part in parts)
        or any(part.startswith("._") for part in parts)
        or name in LITTER_FILES
        or UNFINISHED.search(name) is not None
    )
