"""Which face model is in use: chosen once, never changed behind the back of a gallery that has embeddings."""

import logging
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import transaction

from matching.faces import engines, images, packs, poor
from matching.models import Face, FaceModel

logger = logging.getLogger(__name__)

# What `auto` takes of the packs that are installed.
BEST_FIRST = ("antelopev2", "buffalo_l", "auraface_yunet", "auraface", "buffalo_s", packs.RETAIL)
FOLDER_LICENCE = f"Set by whoever made the pack. {packs.LICENCE}"


class NoFaceModel(Exception):
    """No face model has been prepared on this installation."""

    def __init__(self) -> None:
        super().__init__("No face model is ready yet. An administrator runs: manage.py models prepare")


def active() -> FaceModel:
    """The model whose embeddings are searched. Raises `NoFaceModel`."""
    model = FaceModel.objects.filter(is_active=True).first()
    if model is None:
        raise NoFaceModel
    return model


def engine(model: FaceModel, threads: int | None = None) -> engines.Engine:
    """The model's engine, loaded once a process. threads: as `engines.load` has them. Raises `EngineUnavailable`."""
    problem = "other weights lie there"
    for source in sources(model):
        try:
            loaded = engines.load(source, engines.Recipe.parse(model.recipe), threads)
        except engines.EngineUnavailable as unavailable:
            problem = str(unavailable)
            continue
        if (loaded.fingerprint, str(loaded.recipe)) == (model.fingerprint, model.recipe):
            return loaded
        if loaded.fingerprint == model.fingerprint:
            problem = f"this version of Sightline, or the detector there, embeds in another way ({model.recipe})"
    raise engines.EngineUnavailable(
        f"The face model {model.name} is not on this machine: {problem.rstrip('.')}. Install it here as well "
        "(manage.py models install), or name its folder in FACE_MODEL."
    )


def sources(model: FaceModel) -> list[str]:
    """Where this machine may have a model: it is known by its fingerprint, and machines have it in folders of their
    own."""
    wished, installed = Path(settings.FACE_MODEL), packs.find(model.name)
    own = [str(wished.resolve())] if wished.is_dir() else []
    return list(dict.fromkeys([model.source, *own, *([str(installed)] if installed else [])]))


def find_faces(engine: engines.Engine, rgb: images.RgbImage, *, thorough: bool = False) -> list[engines.DetectedFace]:
    """Every face of a picture, best detected first. rgb: (height, width, 3) uint8, upright.

    thorough: as `Engine.detect`. Raises `ImageNotAnalysed` for a picture that the engine breaks on: it would break
    again, so that picture is refused rather than tried for ever.
    """
    with analysing(rgb):
        return engine.faces(rgb, thorough)


def find_face(
    engine: engines.Engine, rgb: images.RgbImage, choose: Callable[[Sequence[engines.Detection]], engines.Detection]
) -> engines.DetectedFace | None:
    """The one face that is chosen of those in a picture, or None without any. The others are not embedded. Raises as
    `find_faces` does."""
    with analysing(rgb):
        found = engine.detect(rgb)
        if not found:
            return None
        face = choose(found)
        return engines.DetectedFace(**vars(face), embedding=engine.embed([face.chip])[0])


@contextmanager
def analysing(rgb: images.RgbImage) -> Iterator[None]:
    """Where an engine looks at a picture: not more at once than there are cores. Raises `ImageNotAnalysed` for one that
    it breaks on."""
    with _at_once():
        try:
            yield
        except Exception as error:
            logger.exception("The face model failed on a picture of %s", rgb.shape)
            raise images.ImageNotAnalysed from error


@lru_cache(maxsize=1)
def _at_once() -> threading.BoundedSemaphore:
    """More pictures at once than there are cores take longer each, and 100 MB each."""
    return threading.BoundedSemaphore(settings.CORES)


def register(name: str) -> FaceModel:
    """The row of `dlib`, of an installed pack's name, of a folder or of a name in the list, made where it is new.

    Raises `EngineUnavailable` where it cannot be loaded, `PackProblem` where no such pack is installed.
    """
    if name in packs.OTHERS:
        raise packs.PackProblem(f"{name} is no face model. See: manage.py models list")
    if name in engines.NAMED:
        source, label, licence = name, engines.NAMED[name].label, engines.NAMED[name].licence
    elif (folder := packs.find(name)) is not None:
        source, label = str(folder), name
        licence = packs.KNOWN[name].licence if name in packs.KNOWN else FOLDER_LICENCE
    elif Path(name).is_dir():
        path = Path(name).resolve()
        source, label, licence = str(path), path.name, FOLDER_LICENCE
    elif (known := FaceModel.objects.filter(name=name).first()) is not None:
        return register(known.source)
    else:
        raise packs.PackProblem(f"{name} is neither an installed pack nor a folder. See: manage.py models list")
    loaded = engines.load(source)
    direction, limit = poor.shipped(loaded.fingerprint, str(loaded.recipe))
    columns = {
        "name": label,
        "source": source,
        "dimensions": loaded.dimensions,
        "licence": licence,
        "is_fallback": source in engines.NAMED and engines.NAMED[source].is_fallback,
    }
    model, _ = FaceModel.objects.update_or_create(
        fingerprint=loaded.fingerprint,
        recipe=str(loaded.recipe),
        defaults=columns,
        # One that it has made itself since then stays.
        create_defaults={**columns, "poor_direction": direction, "poor_limit": limit},
    )
    return model


def activate(model: FaceModel) -> None:
    """Search with this model from now on. Its embeddings must be there: see `changing_over.change_over`."""
    with transaction.atomic():
        FaceModel.objects.filter(is_active=True).exclude(pk=model.pk).update(is_active=False)
        FaceModel.objects.filter(pk=model.pk).update(is_active=True, is_next=False, is_second=False)
    model.refresh_from_db()


def embed_next(model: FaceModel) -> None:
    """Have the gallery embedded with this model in the background, and searched with it when that is done."""
    with transaction.atomic():
        FaceModel.objects.filter(is_next=True).exclude(pk=model.pk).update(is_next=False)
        # One that was in use before is begun anew: photos have changed since. One that is at it goes on.
        FaceModel.objects.filter(pk=model.pk, is_next=False).update(is_next=True, embedded_to=0)
    model.refresh_from_db()


def keep_second(model: FaceModel | None) -> None:
    """Have the gallery embedded with this model too, to be asked for a second opinion; None: with no other any more."""
    with transaction.atomic():
        others = FaceModel.objects.filter(is_second=True)
        (others if model is None else others.exclude(pk=model.pk)).update(is_second=False)
        if model is not None:
            FaceModel.objects.filter(pk=model.pk, is_second=False).update(is_second=True, embedded_to=0)
            model.refresh_from_db()


def licence_accepted() -> bool:
    """Whether the environment accepts the public packs' licence for this installation."""
    return os.environ.get("ACCEPT_MODEL_LICENCE", "") == "yes"


def prepare(say: Callable[[str], None], licence_accepted: Callable[[], bool]) -> FaceModel:
    """Pick the model that `FACE_MODEL` asks for at first start, and keep it from then on.

    say: takes one line for the operator. licence_accepted: whether the public packs' licence is accepted; asked only
    where a download is due. Raises `EngineUnavailable` where a named folder holds no pack.
    """
    wish = settings.FACE_MODEL
    current = FaceModel.objects.filter(is_active=True).first()
    if current is None:
        model = _first_choice(wish, say, licence_accepted)
        activate(model)
        return model
    if wish == "auto":
        wish = current.name if packs.find(current.name) else current.source
    try:
        wanted = register(wish)
    except packs.PackProblem as problem:
        say(f"FACE_MODEL={wish}: {problem} {current.name} stays in use.")
        return current
    if wanted != current:
        if not Face.objects.filter(model=current).exists():
            activate(wanted)
            return wanted
        if wanted.fingerprint == current.fingerprint:
            # The same weights, used better than before.
            embed_next(wanted)
            say(f"The gallery is embedded anew with {wanted.name} in the background: its faces are found better now.")
        else:
            say(
                f"FACE_MODEL={wish}, but the gallery is embedded with {current.name}, which stays in use. "
                f"To embed it anew and change over: manage.py models activate {wish}"
            )
    return current


def _first_choice(wish: str, say: Callable[[str], None], licence_accepted: Callable[[], bool]) -> FaceModel:
    name = wish
    if wish == "auto":
        # What was brought to the machine already counts, the best first.
        name = next((one for one in BEST_FIRST if packs.find(one)), "buffalo_l" if licence_accepted() else packs.RETAIL)
    if name in engines.NAMED or Path(name).is_dir() or packs.find(name):
        return register(name)
    if name not in packs.KNOWN:
        raise engines.EngineUnavailable(
            f"FACE_MODEL={wish} is neither auto, {', '.join(engines.NAMED)}, a folder nor a pack "
            f"({', '.join(packs.KNOWN)})."
        )
    names = [name, packs.RETAIL]
    if not packs.KNOWN[name].for_any_use and not licence_accepted():
        say(f"The face model {name} was not downloaded: its licence was not accepted.")
        names = [packs.RETAIL]
    for one in dict.fromkeys(names):
        try:
            return _downloaded(one, say)
        except packs.PackProblem as problem:
            say(str(problem))
    say(
        "Using the fallback, dlib, which misses more faces. "
        f"To change later: manage.py models install {name} && manage.py models activate {name}"
    )
    return register(engines.DLIB)


def _downloaded(name: str, say: Callable[[str], None]) -> FaceModel:
    if not packs.find(name):
        say(f"Downloading the face model {name} ...")
        packs.download(name, lambda got, total: say(f"  {got / 2**20:.0f} of {total / 2**20:.0f} MB"))
    return register(name)
