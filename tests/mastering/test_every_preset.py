"""Every preset, from a file: analysed, tuned, solved, and then the same bits in any order, from any process."""

import hashlib
import json
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from auralis_trio.analysis import analyse
from auralis_trio.audio.grid import Grid
from auralis_trio.audio.source import AudioSource
from auralis_trio.decoder.opening import open_source, probe
from auralis_trio.decoder.pcm_cache import PcmCache
from auralis_trio.demo import synthesise
from auralis_trio.mastering import Recipe, render
from auralis_trio.mastering.presets import PRESETS
from auralis_trio.mastering.resolve import NO_WISHES
from auralis_trio.mastering.tuning import master, tune
from tests.sound_files import write

RATE, SECONDS = 44_100, 6.0
ROOT = Path(__file__).parent.parent.parent


def opened(path: Path, scratch: Path) -> AudioSource:
    return open_source(str(path), probe(str(path)).content_id, PcmCache(str(scratch), 2**30, 60.0))


@pytest.fixture(scope="module", params=["flac", "mp3", "opus", "m4a"])
def track(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A file that is sought directly, or one that is decoded into the cache, and a folder for that."""
    folder = tmp_path_factory.mktemp(request.param)
    path = folder / f"music.{request.param}"
    rate = 48_000 if request.param == "opus" else RATE
    write(str(path), request.param, synthesise(SECONDS, rate, 2, 5), rate)
    return path, folder / "pcm"


def recipe_of(source: AudioSource, preset: str, louder_db: float) -> Recipe:
    analysis = analyse(source)
    tuning = tune(source, analysis, preset, NO_WISHES)
    recipe = master(analysis, preset, 1.0, NO_WISHES, tuning).recipe
    return msgspec.structs.replace(recipe, gain_db=recipe.gain_db + louder_db)


SCRIPT = """
import hashlib, json, sys
from pathlib import Path
import msgspec
from auralis_trio.mastering import Recipe, render
from tests.mastering.test_every_preset import opened
path, scratch, recipe, grains = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])
source = opened(path, scratch)
for g in grains:
    block = render(source, msgspec.json.decode(recipe, type=Recipe), g, g + 1)
    print(hashlib.sha256(block.samples.tobytes()).hexdigest())
"""


@pytest.mark.parametrize("louder_db", [0.0, 12.0], ids=["as solved", "limiting hard"])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_the_same_bits_in_any_order_on_any_plan(
    track: tuple[Path, Path], preset: str, louder_db: float
) -> None:
    path, scratch = track
    source = opened(path, scratch)
    recipe = recipe_of(source, preset, louder_db)
    total = Grid(source.format.sample_rate, source.total_frames).total_grains
    whole = render(source, recipe, 0, total).samples
    assert len(whole) == source.total_frames
    assert np.isfinite(whole).all()
    assert not np.array_equal(whole, source.read(0, source.total_frames))
    plan = [(first, first + count) for count in (1, 5, 7) for first in range(0, total, count)]
    random.Random(preset).shuffle(plan)
    for first, last in plan:
        block = render(source, recipe, first, last)
        assert block.samples.tobytes() == whole[block.start_frame : block.end_frame].tobytes()
    source.close()


def test_another_process_gives_the_same_bits(track: tuple[Path, Path]) -> None:
    path, scratch = track
    source = opened(path, scratch)
    recipe = recipe_of(source, "bright", 6.0)
    grains = [17, 0, 9]
    here = [hashlib.sha256(render(source, recipe, g, g + 1).samples.tobytes()).hexdigest() for g in grains]
    source.close()
    wanted = (str(path), str(scratch) + "-other", msgspec.json.encode(recipe).decode(), json.dumps(grains))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *wanted], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == here
