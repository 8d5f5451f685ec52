"""What the pages say: the words stand in ``tracking.words``, where the notices find them too."""

from parcelwire.tracking.words import DEFAULT, LANGUAGES, SOON, Words, choose, words

__all__ = ["DEFAULT", "LANGUAGES", "SOON", "Words", "choose", "words"]
