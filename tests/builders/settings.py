"""Settings as a user gives them."""

from typing import Any

from lcc.config.load import SettingsSources
from lcc.config.settings import Settings


def load_settings(**sources: Any) -> Settings:
    return SettingsSources(**sources).load()
