"""A generated collection: what a scan would tell of files that nobody has, always the same for one seed."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from auralis_trio.audio.source import AudioFormat
from auralis_trio.library.records import ProbedFile, Tags

FOLDER = "/music"
GENRES = ("Rock", "Pop", "Jazz", "Classical", "Electronic", "Folk", "Blues", "Metal", "Hip-Hop", "Soul", "Ambient")
KINDS = ("flac", "flac", "mp3", "mp3", "mp3", "m4a", "vorbis", "opus")

# fmt: off
_SYLLABLES = (
    "the", "an", "lo", "ve", "ni", "ght", "mo", "on", "sun", "ri", "ver", "da", "rk", "si", "lver",
    "go", "ld", "en", "fi", "re", "wa", "ter", "st", "ar", "blu", "dre", "am", "ro", "ad",
)
# fmt: on
_FORMAT = AudioFormat(sample_rate=44_100, channels=2, bits=16)


@dataclass(frozen=True)
class Collection:
    """`tracks` of albums of twelve; one in five has lyrics of 150 words. Words are as uneven as in a language."""

    tracks: int
    seed: int = 1

    def files(self, revision: int = 0) -> Iterator[ProbedFile]:
        """All files; those of another revision have another comment and time, and so are read anew."""
        random = Random(self.seed)
        words = _Words(random)
        artists = [words.title(1, 3) for _ in range(max(1, self.tracks // 30))]
        album = artist = genre = ""
        year = 0
        for number in range(self.tracks):
            if number % 12 == 0:
                album, artist, genre = words.title(1, 4), random.choice(artists), random.choice(GENRES)
                year = random.randint(1955, 2025)
            tags = Tags(
                title=words.title(1, 5),
                artist=artist,
                album=album,
                album_artist=artist,
                track_number=number % 12 + 1,
                year=year,
                genre=genre,
                lyrics=words.title(150, 150) if number % 5 == 0 else None,
            )
            yield ProbedFile(
                path=f"{FOLDER}/{number // 12}/{number}.flac",
                size=30_000_000 + number,
                mtime_ns=revision,
                kind=random.choice(KINDS),
                format=_FORMAT,
                total_frames=44_100 * random.randint(60, 600),
                content_id=f"generated {self.seed} {number}",
                tags=tags,
            )


class _Words:
    """Words of one to four syllables, the common ones far more often than the rare ones (as Zipf has it)."""

    def __init__(self, random: Random, size: int = 20_000) -> None:
        self._random = random
        self._words = ["".join(random.choices(_SYLLABLES, k=random.randint(1, 4))) for _ in range(size)]
        total, self._weights = 0.0, []
        for rank in range(1, size + 1):
            total += 1 / rank
            self._weights.append(total)

    def title(self, fewest: int, most: int) -> str:
        count = self._random.randint(fewest, most)
        return " ".join(self._random.choices(self._words, cum_weights=self._weights, k=count)).title()
