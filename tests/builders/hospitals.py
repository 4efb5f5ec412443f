"""Pictures of patients from several sites, told by their names."""

from pathlib import Path

from tests.builders.pictures import a_file, a_picture

LABELS = ("lung_aca", "lung_n")
PATTERN = "*/{site}_{patient}_{slide}_{tile}.png"


def a_hospital_folder(
    folder: Path, *, num_patients: int = 12, sites: str = "ABC"
) -> Path:
    """Draw patients of two slides of one tile, class by class, site after site."""
    for code, label in enumerate(LABELS):
        (folder / label).mkdir(parents=True)
        for patient in range(num_patients):
            for slide in range(2):
                seed = 1000 * code + 10 * patient + slide
                site = sites[patient % len(sites)]
                name = f"{site}_{label[5]}{patient}_s{slide}_0.png"
                (folder / label / name).write_bytes(a_file(a_picture(seed)))
    return folder
