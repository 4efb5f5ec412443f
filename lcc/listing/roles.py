"""What the usual names of splits mean: train, validation, test.

Knows names; nothing of what lies in a split.
"""

# Role → names it goes by, in small letters. Any other name is a split as well.
ROLES = {
    "train": ("train", "training", "trainset", "trainval", "trn", "tr"),
    "validation": (
        *("validation", "val", "valid", "validate", "valset", "validset"),
        *("dev", "devset", "eval", "evaluation", "tuning"),
    ),
    "test": ("test", "testing", "testset", "tst", "holdout", "hold-out", "heldout"),
}


def role_of(split: str) -> str | None:
    """Return train, validation or test where a name says so.

    Example:
        >>> role_of("Valid"), role_of("fold 3")
        ('validation', None)
    """
    name = split.casefold()
    return next((role for role, names in ROLES.items() if name in names), None)
