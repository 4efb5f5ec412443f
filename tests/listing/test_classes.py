"""Which level of folders is the class, in the layouts that people have."""

import itertools

import pytest

from lcc.errors import DataError
from lcc.listing.classes import choose_reading
from lcc.listing.folder_tree import FolderTree


def tree_of(*patterns: str) -> FolderTree:
    """Return a tree of folders; a/b,c/d is a/b/d and a/c/d."""
    return FolderTree.of(
        folder
        for pattern in patterns
        for folder in itertools.product(
            *(part.split(",") for part in pattern.split("/"))
        )
    )


def chosen(*patterns: str) -> tuple[int, set[str]]:
    reading = choose_reading(tree_of(*patterns), uri="file:///data/tiles")
    return reading.level, set(reading.names)


def refusal(*patterns: str) -> str:
    with pytest.raises(DataError) as caught:
        choose_reading(tree_of(*patterns), uri="file:///data/tiles")
    return str(caught.value)


NCT = "ADI,BACK,DEB,LYM,MUC,MUS,NORM,STR,TUM"
BENIGN = "benign/SOB/adenosis,fibroadenoma/SOB_B_A_14-22549AB,SOB_B_A_14-29960CD"
MALIGNANT = "malignant/SOB/ductal,lobular/SOB_M_DC_14-2523,SOB_M_DC_14-10926"


@pytest.mark.parametrize(
    ("patterns", "level", "names"),
    [
        pytest.param([NCT], 1, NCT, id="NCT-CRC-HE-100K"),
        pytest.param([f"NCT-CRC-HE-100K,CRC-VAL-HE-7K/{NCT}"], 1, NCT,
                     id="NCT-CRC with its validation set"),
        pytest.param([f"NCT-CRC-HE-100K,NCT-CRC-HE-100K-NONORM/{NCT}"], 2, NCT,
                     id="NCT-CRC with and without normalisation"),
        pytest.param(["lung_colon_image_set/lung_image_sets/lung_aca,lung_n",
                      "lung_colon_image_set/colon_image_sets/colon_aca,colon_n"],
                     3, "lung_aca,lung_n,colon_aca,colon_n", id="LC25000"),
        pytest.param(["Train and Validation Set,Test Set/lung_aca,lung_n"], 1,
                     "lung_aca,lung_n", id="LC25000, split"),
        pytest.param(["seg_train/seg_train/a,b", "seg_test/seg_test/a,b"], 1, "a,b",
                     id="splits in splits"),
        pytest.param(["benign,malignant/SOB/s1,s2/40X,100X,200X,400X"], 1,
                     "benign,malignant", id="magnifications"),
        pytest.param(["40X,100X/benign,malignant"], 2, "benign,malignant",
                     id="magnifications above"),
        pytest.param(["benign/P01,P02", "malignant/P07,P08"], 1, "benign,malignant",
                     id="patients below"),
        pytest.param(["P01,P02/tumour,normal"], 2, "tumour,normal",
                     id="patients above"),
        pytest.param(["10253,10254,10255/0,1"], 2, "0,1", id="IDC"),
        pytest.param(["IDC_ps50/10253,10254/0,1", "10253,10254/0,1"], -1, "0,1",
                     id="IDC, unpacked twice"),
        pytest.param(["G1,G2/TCGA-A1-A0SP,TCGA-A1-A0SB"], 1, "G1,G2",
                     id="TCGA barcodes below"),
        pytest.param(["hospital1,hospital2/tumour,normal"], 2, "tumour,normal",
                     id="numbered sites"),
        pytest.param(["TCGA-A6-2672,TCGA-AA-3811/MSS,MSIMUT"], 2, "MSS,MSIMUT",
                     id="TCGA barcodes above"),
        pytest.param(["CRC_DX_TRAIN,CRC_DX_TEST/MSS,MSIMUT"], 1, "MSS,MSIMUT",
                     id="names that end in a split"),
        pytest.param(["camelyonpatch_level_2_split_train,"
                      "camelyonpatch_level_2_split_valid/0,1"], 1, "0,1",
                     id="PatchCamelyon, exported"),
        pytest.param(["fold1,fold2,fold3/grade 1,grade 2"], 1, "grade 1,grade 2",
                     id="folds"),
        pytest.param(["tumour,normal", "validation/tumour,normal"], 1, "tumour,normal",
                     id="a split beside the classes"),
        pytest.param(["images/benign,malignant/png"], 2, "benign,malignant",
                     id="kinds of files"),
        pytest.param(["tumour_images,normal_images"], 1, "tumour_images,normal_images",
                     id="collections alone"),
        pytest.param(["class0,class1/case-1,case-2"], 1, "class0,class1",
                     id="numbered classes above numbered cases"),
        pytest.param(["train/a,b,rare", "test/a,b"], 1, "a,b,rare",
                     id="a split that lacks a class"),
        pytest.param(["slides_train/a,b", "slides_test/b"], 1, "a,b",
                     id="names that differ by the split alone"),
        pytest.param(["label_0,label_1"], 1, "label_0,label_1", id="labels"),
        pytest.param(["tumour/tumour_tiles", "normal/normal_tiles"], 1,
                     "tumour,normal", id="two names for one thing"),
        pytest.param(["CIN1,CIN2,CIN3"], 1, "CIN1,CIN2,CIN3", id="grades alone"),
        pytest.param(["CIN1,CIN2,CIN3/a,b"], 2, "a,b", id="numbers above names"),
        pytest.param(["train/a,b/smith,jones", "test/a,b/miller"], 1, "a,b",
                     id="names that no other split has"),
        pytest.param(["a/train,test", "b/train,test"], 1, "a,b", id="splits below"),
    ],
)  # fmt: skip
def test_the_level_that_alone_makes_sense_is_taken(patterns, level, names):
    assert chosen(*patterns) == (level, set(names.split(",")))


@pytest.mark.parametrize(
    ("patterns", "settings"),
    [
        pytest.param([BENIGN, MALIGNANT], ["class_level=1", "class_level=3"],
                     id="BreakHis"),
        pytest.param(["siteA,siteB/tumour,normal"], ["class_level=1", "class_level=2"],
                     id="sites"),
        pytest.param(["colon/colon_aca,colon_n", "lung/lung_aca,lung_n"],
                     ["class_level=1", "class_level=2"], id="organs"),
        pytest.param(["lung/aca,scc", "colon"], ["class_level=1", "class_level=-1"],
                     id="depths that differ"),
        pytest.param(["P01,P02,P03"], ["class_level=1"], id="patients alone"),
        pytest.param(["40X,100X"], ["class_level=1"], id="magnifications alone"),
        pytest.param(["fold_0,fold_1/all,hem", "testing_data/C-NMC_test_final"],
                     ["class_level=1"], id="a name that tells a split"),
        pytest.param(["train/aca_left.lobe_T2_N0,scc_left.hilum_T1_N2,normal",
                      "test/aca,scc,normal"], ["class_level=1"],
                     id="splits that spell classes differently"),
        pytest.param([",".join(map(str, range(40)))], ["class_level=1"],
                     id="many numbers"),
    ],
)  # fmt: skip
def test_what_has_several_readings_or_none_is_refused_with_a_setting_each(
    patterns, settings
):
    text = refusal(*patterns)

    shown = [line.split()[1] for line in text.splitlines() if "--set" in line]
    assert shown == [f"data.{setting}" for setting in settings]


def test_a_refusal_shows_the_levels_and_what_each_would_give():
    assert refusal("train/siteA,siteB/tumour,normal", "test/siteA,siteB/tumour") == (
        "data.class_level: must say which of these folders are the classes, got none "
        "for file:///data/tiles.\n"
        "  tiles/  6 images\n"
        "  split folders, no level: test/ train/\n"
        "    siteA/ siteB/  (level 1)\n"
        "      normal/ tumour/  (level 2)\n"
        "Pass the one that is meant:\n"
        "  --set data.class_level=1   2 classes: siteA, siteB\n"
        "  --set data.class_level=2   2 classes: normal, tumour\n"
        "or tell classes by data.classes, data.labels_csv or data.class_pattern."
    )


def test_class_and_split_in_one_name_are_refused_with_what_joins_them():
    assert refusal("tumour_train,tumour_test,normal_train,normal_test") == (
        "data.classes: folders must not name class and split in one, got normal_test, "
        "normal_train, tumour_test, tumour_train. Pass --set 'data.classes="
        "{normal_test: normal, normal_train: normal, tumour_test: tumour, "
        "tumour_train: tumour}'"
    )
