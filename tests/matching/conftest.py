import numpy as np
import pytest

from cases.models import Collection
from tests.matching import test_gallery, test_poor_pictures


@pytest.fixture(autouse=True)
def _chance_begins_anew() -> None:
    """Made-up faces are the same whichever tests ran before."""
    for chance, seed in ((test_gallery.RANDOM, 3), (test_poor_pictures.RANDOM, 5)):
        chance.bit_generator.state = np.random.default_rng(seed).bit_generator.state


@pytest.fixture
def kept(collection) -> Collection:
    """A collection that keeps unnamed people together for ten days."""
    collection.unnamed_days = 10
    collection.save()
    return collection
