"""When a family or group is larger than its data set makes plausible."""

import numpy as np

from lcc.families.alarms import find_alarms


def test_one_family_in_ten_thousand_is_a_giant_long_before_it_is_two_percent():
    family = np.append(np.repeat(np.arange(10_000), 5), np.full(60, 10_000))

    (alarm,) = find_alarms(family, family, max_fraction=0.02)

    assert (alarm.kind, alarm.code, alarm.member, alarm.size) == (
        "family",
        10_000,
        50_000,
        60,
    )


def test_families_of_many_sizes_raise_no_alarm():
    sizes = np.random.default_rng(0).geometric(0.05, 2_000)
    family = np.repeat(np.arange(len(sizes)), sizes)

    assert find_alarms(family, family, max_fraction=0.02) == []
