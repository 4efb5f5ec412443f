"""Tell what lies beside images and is none, by its name alone.

Knows names that systems, shares, editors and archives leave behind; not folders' order.
"""

import re
from functools import lru_cache
from pathlib import PurePosixPath

# Files that lie beside images and are none. Anything else is listed, and what turns out
# to be no image is counted as unreadable.
SIDE_FILES = frozenset(
    {
        ".bib", ".cfg", ".css", ".csv", ".dat", ".db", ".doc", ".docx", ".dvc",
        ".geojson", ".htm", ".html", ".ini", ".ipynb", ".js", ".json", ".jsonl", ".lnk",
        ".log", ".md", ".md5", ".md5sum", ".ods", ".pdf", ".ppt", ".pptx", ".py", ".r",
        ".rst", ".sh", ".sha256", ".sqlite", ".toml", ".tsv", ".txt", ".url", ".xls",
        ".xlsx", ".xml", ".yaml", ".yml",
    }
)  # fmt: skip
ARRAY_FILES = frozenset(  # that may hold the pictures of a whole set
    {
        ".h5", ".hdf5", ".lmdb", ".mat", ".npy", ".npz", ".parquet", ".pickle", ".pkl",
        ".tfrec", ".tfrecord", ".tfrecords",
    }
)  # fmt: skip
SLIDE_INDEXES = (".mrxs", ".vsi")  # a preview by their bytes; the slide lies beside
SIDE_NAMES = frozenset(  # without an ending
    {"checksums", "citation", "licence", "license", "readme"}
)
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
LITTER_NAMES = HIDDEN_LITTER | LITTER_FILES
LITTER_PLACES = HIDDEN_LITTER | LITTER_FOLDERS
UNFINISHED = re.compile(r"\.(crdownload|part|partial|tmp|temp|swp|download)$|^~\$|~$")


def why_no_image(path: PurePosixPath) -> str | None:
    """Return why a file is none of the images it lies beside, None if it may be one.

    Args:
        path: Relative to the source.

    Returns:
        `litter` of systems and programs, `hidden`, `archive`, `whole_slide`,
        `array_file`, `side_file` or None.

    Example:
        >>> why_no_image(PurePosixPath("lung_n/@eaDir/1.jpeg/SYNOPHOTO_THUMB_M.jpg"))
        'litter'
        >>> why_no_image(PurePosixPath("lung_n/notes.txt"))
        'side_file'
    """
    folder, name = str(path.parent), path.name.casefold()
    in_litter, in_hidden = _judge_folder(folder)
    is_left = name in LITTER_NAMES or name.startswith("._")
    if in_litter or is_left or UNFINISHED.search(name):
        return "litter"
    if in_hidden or name.startswith("."):
        return "hidden"
    if archive_ending(name):
        return "archive"
    if name.endswith(SLIDE_INDEXES):
        return "whole_slide"
    if path.suffix.casefold() in ARRAY_FILES:
        return "array_file"
    return "side_file" if path.suffix.casefold() in SIDE_FILES else None


@lru_cache(maxsize=1 << 16)  # folders are few beside their files
def _judge_folder(folder: str) -> tuple[bool, bool]:
    """Return whether a folder or one above it is litter, and whether one is hidden."""
    names = [name.casefold() for name in folder.split("/")]
    is_litter = not LITTER_PLACES.isdisjoint(names)
    hidden = [name for name in names if name.startswith(".") and name != "."]
    return is_litter or any(name.startswith("._") for name in names), bool(hidden)


def archive_ending(name: str) -> str | None:
    """Return the ending of an archive's name, None for another file.

    Example:
        >>> archive_ending("LC25000.tar.gz"), archive_ending("1.png")
        ('.tar.gz', None)
    """
    small = name.casefold()
    if not small.endswith(tuple(ARCHIVES)):
        return None
    return next(ending for ending in ARCHIVES if small.endswith(ending))
