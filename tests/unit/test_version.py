import importlib.metadata

import parcelwire


def test_version_is_the_one_of_the_installed_distribution() -> None:
    assert parcelwire.__version__ == importlib.metadata.version("parcelwire")
