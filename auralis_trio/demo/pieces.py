"""What the demo library holds: every piece with its tags, its format, its loudness and its score."""

from dataclasses import dataclass
from enum import Enum

from auralis_trio.demo import songs
from auralis_trio.demo.score import Score


class Format(Enum):
    """A kind of file: its ending, its container and what its audio is stored as (in libsndfile's words, or AAC)."""

    FLAC_16 = ("flac", "FLAC", "PCM_16")
    FLAC_24 = ("flac", "FLAC", "PCM_24")
    WAV_16 = ("wav", "WAV", "PCM_16")
    WAV_FLOAT = ("wav", "WAV", "FLOAT")
    AIFF_16 = ("aiff", "AIFF", "PCM_16")
    MP3 = ("mp3", "MP3", "MPEG_LAYER_III")
    VORBIS = ("ogg", "OGG", "VORBIS")
    OPUS = ("opus", "OGG", "OPUS")
    AAC = ("m4a", "MP4", "AAC")

    def __init__(self, suffix: str, container: str, subtype: str) -> None:
        self.suffix = suffix
        self.container = container
        self.subtype = subtype


@dataclass(frozen=True, slots=True)
class Album:
    """A record: `cover` names the picture that is drawn for it."""

    title: str
    artist: str
    year: int
    genre: str
    tracks: int
    cover: str


@dataclass(frozen=True, slots=True)
class Piece:
    """One file of the demo library.

    `level_db` is the RMS of its louder passages, all channels summed, which is about what it measures in LUFS.
    `span` are the frames of its score that it holds (None: to the score's end). `lyrics` are lines with the beat
    they begin on. A piece without an artist carries no tags at all and is known by the name of its file.
    """

    title: str
    artist: str | None
    score: Score
    format: Format
    sample_rate: int
    channels: int
    level_db: float
    album: Album | None = None
    track: int | None = None
    year: int | None = None
    genre: str | None = None
    span: tuple[int, int | None] = (0, None)
    lyrics: tuple[tuple[float, str], ...] = ()

    @property
    def tagged(self) -> bool:
        """Whether its file has tags."""
        return self.artist is not None

    @property
    def frames(self) -> int:
        """How many frames it holds, exactly."""
        return len(range(round(self.score.duration_s * self.sample_rate))[slice(*self.span)])

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return self.frames / self.sample_rate

    @property
    def folder(self) -> str:
        """Its folder, relative to the library's."""
        if self.album:
            return f"{self.album.artist}/{self.album.title}"
        return f"{self.artist}/Singles" if self.artist else "Unsorted"

    @property
    def path(self) -> str:
        """Its file, relative to the library's folder."""
        number = f"{self.track:02} " if self.track else ""
        return f"{self.folder}/{number}{self.title}.{self.format.suffix}"


SLOW_HARBOUR = Album("Slow Harbour", "Lumen & Tide", 2021, "Ambient", 4, "harbour")
NIGHT_BUS_RADIO = Album("Night Bus Radio", "Cobalt Avenue", 2023, "Electronic", 4, "night")

TIDE_TURNS_FRAME = 812_347
"""Where the tide turns: one recording, cut into two tracks in the middle of sounding notes."""

PIECES: tuple[Piece, ...] = (
    Piece(
        "Low Water", "Lumen & Tide", songs.HARBOUR, Format.FLAC_16, 44_100, 2, -18,
        SLOW_HARBOUR, 1, 2021, "Ambient", (0, TIDE_TURNS_FRAME),
    ),
    Piece(
        "High Water", "Lumen & Tide", songs.HARBOUR, Format.FLAC_16, 44_100, 2, -18,
        SLOW_HARBOUR, 2, 2021, "Ambient", (TIDE_TURNS_FRAME, None),
    ),
    Piece(
        "Lamplight", "Lumen & Tide", songs.LAMPLIGHT, Format.FLAC_24, 96_000, 2, -23,
        SLOW_HARBOUR, 3, 2021, "Ambient",
    ),
    Piece(
        "Last Ferry Home", "Lumen & Tide", songs.FERRY, Format.FLAC_24, 48_000, 2, -16,
        SLOW_HARBOUR, 4, 2021, "Indie Folk",
    ),
    Piece(
        "Neon Rain", "Cobalt Avenue", songs.NEON, Format.AAC, 44_100, 2, -9,
        NIGHT_BUS_RADIO, 1, 2023, "Synthwave",
    ),
    Piece(
        "Second Floor Window", "Cobalt Avenue", songs.WINDOW, Format.MP3, 44_100, 2, -14,
        NIGHT_BUS_RADIO, 2, 2023, "Lo-Fi Hip Hop",
    ),
    Piece(
        "Four in the Morning", "Cobalt Avenue feat. Mara Okoro", songs.MORNING, Format.VORBIS, 44_100, 2, -11,
        NIGHT_BUS_RADIO, 3, 2023, "House",
    ),
    Piece(
        "Stairwell", "Cobalt Avenue", songs.STAIRWELL, Format.OPUS, 48_000, 2, -10,
        NIGHT_BUS_RADIO, 4, 2023, "Drum & Bass",
    ),
    Piece(
        "Paper Boats", "Ada Fernwood", songs.PAPER_BOATS, Format.WAV_16, 44_100, 1, -21,
        year=2018, genre="Folk",
        lyrics=(
            (0, "Fold the morning, fold it small,"),
            (6, "set it down by the harbour wall."),
            (12, "Every street is a river now,"),
            (18, "paper stern and paper bow."),
            (24, "Wave to me from the further side,"),
            (30, "I will follow the evening tide."),
            (36, "♪"),
        ),
    ),
    Piece(
        "Glass Mountain", "The Quiet Engines", songs.GLASS_MOUNTAIN, Format.AIFF_16, 44_100, 2, -12,
        year=2016, genre="Post-Rock",
    ),
    Piece(
        "さくら道 🌸", "Hana & the Lanterns", songs.SAKURA, Format.FLAC_16, 48_000, 2, -20,
        year=2020, genre="World",
    ),
    Piece(
        "Iron Carnival", "Velvet Piston", songs.IRON_CARNIVAL, Format.WAV_FLOAT, 48_000, 2, -7,
        year=2024, genre="Techno",
    ),
    Piece("Found Tape 7", None, songs.FOUND_TAPE, Format.MP3, 44_100, 1, -29),
)  # fmt: skip
