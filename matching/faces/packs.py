"""Packs of face models on disk: which are there, getting one from the net or a zip, and whether its bytes are right."""

import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import requests
from django.conf import settings

from matching.faces.engines.base import digest_of

LICENCE = (
    "InsightFace's public packs are for non-commercial research only. "
    "For any other use a licence is to be had from insightface.ai."
)
# Of one commit, so that what is fetched stays the same.
YUNET_AT = "https://raw.githubusercontent.com/ShiqiYu/libfacedetection.train/0047ac24afb1a50a0c6105001c89d1b5b805dbf1/"
YUNET = {"yunet_n_dynamic.onnx": "104ee26c71d5c270ce79a6b3dced91c91013260d29a6bf18f9296c5b8c4c2b12"}
YUNET_FILES = {"yunet_n_dynamic.onnx": f"{YUNET_AT}onnx/yunet_n_dynamic.onnx"}
ZOO_AT = "https://storage.openvinotoolkit.org/repositories/open_model_zoo/"
RETAIL_AT = f"{ZOO_AT}2022.3/models_bin/1/face-reidentification-retail-0095/FP16/"
AGE_AND_SEX_AT = f"{ZOO_AT}2023.0/models_bin/1/age-gender-recognition-retail-0013/FP16/"
ZOO_LICENCE = "https://raw.githubusercontent.com/openvinotoolkit/open_model_zoo/2023.0.0/LICENSE"
AURAFACE_AT = "https://huggingface.co/fal/AuraFace-v1/resolve/af6d057c9b0ec4071d4c49c80e3539258798b609/"
RETAIL = "retail"
YUNET_USE = (
    "Apache-2.0, for any use. YuNet, which finds the faces, was trained on WIDER FACE, "
    "whose makers gave it for research."
)
RETAIL_USE = f"{YUNET_USE} Intel does not say what its recogniser was trained on."
AURAFACE_ANY_USE = f"{YUNET_USE} fal says of its recogniser only that its training data may be used commercially."
AURAFACE_LICENCE = (
    "AuraFace's recogniser is under Apache-2.0, for any use. The detector that comes with it is, to the byte, one that "
    "InsightFace publishes for non-commercial research only: ask insightface.ai before any other use."
)
STALL_SECONDS = 8
# What a zip's files must end with to be unpacked.
WEIGHTS = (".onnx", ".xml", ".bin")
MAX_UNPACKED = 2 * 2**30


class PackProblem(Exception):
    """A pack that cannot be had or used; the text says which, why and what to do."""


@dataclass(frozen=True)
class KnownPack:
    """A public pack: what it is made of, the checksums of the two files Sightline uses, and who may use it for what.

    checksums: SHA-256 or SHA-384 in hexadecimal letters, as its maker or those who pin it give them. files: each one's
    address; empty where InsightFace has them as a zip. beside: the address of the licence's text, which is kept beside
    them. for_any_use: whether nobody need accept its licence before.
    """

    description: str
    checksums: dict[str, str]
    licence: str = LICENCE
    files: dict[str, str] = field(default_factory=dict)
    beside: str = ""
    for_any_use: bool = False


# The published weights' checksums, as several projects that pin them list them.
KNOWN = {
    "buffalo_l": KnownPack(
        "SCRFD-10G and ResNet-50, 512 numbers; 275 MB to download. The best of the three for most.",
        {
            "det_10g.onnx": "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
            "w600k_r50.onnx": "4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
        },
    ),
    "buffalo_s": KnownPack(
        "SCRFD-500M and MobileFaceNet, 512 numbers; 120 MB. For small machines.",
        {
            "det_500m.onnx": "5e4447f50245bbd7966bd6c0fa52938c61474a04ec7def48753668a9d8b4ea3a",
            "w600k_mbf.onnx": "9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
        },
    ),
    "antelopev2": KnownPack(
        "SCRFD-10G and ResNet-100, 512 numbers; 345 MB. Slower, the most accurate.",
        {
            "scrfd_10g_bnkps.onnx": "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
            "glintr100.onnx": "4ab1d6435d639628a6f3e5008dd4f929edf4c4124b1a7169e1048f9fef534cdf",
        },
    ),
    "auraface": KnownPack(
        "SCRFD-10G and a ResNet-100 by fal, 512 numbers; 278 MB. Its recogniser may be used for any purpose.",
        {
            "scrfd_10g_bnkps.onnx": "5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
            "glintr100.onnx": "a7933ea5330113b01c9b60351d8f4c33003f145d8470ac5f0e52ee2effe25c60",
        },
        AURAFACE_LICENCE,
        {name: AURAFACE_AT + name for name in ("scrfd_10g_bnkps.onnx", "glintr100.onnx")},
    ),
    # Any detector stands beside any recogniser: a pair is a line here.
    "auraface_yunet": KnownPack(
        "YuNet and AuraFace's ResNet-100, 512 numbers; 261 MB. For any use; slower than retail, and not measured here.",
        YUNET | {"glintr100.onnx": "a7933ea5330113b01c9b60351d8f4c33003f145d8470ac5f0e52ee2effe25c60"},
        AURAFACE_ANY_USE,
        YUNET_FILES | {"glintr100.onnx": AURAFACE_AT + "glintr100.onnx"},
        f"{YUNET_AT}LICENSE",
        for_any_use=True,
    ),
    RETAIL: KnownPack(
        "YuNet and Intel's face-reidentification-retail-0095, 256 numbers; 3 MB. For any use: what is taken by itself.",
        YUNET
        | {
            "face-reidentification-retail-0095.xml": "fe0330c65db1209d36a4a9d348e565da7cc1daff583573c5f3ea479d2ac765fa",
            "face-reidentification-retail-0095.bin": "4d8cdfa9447ddd6d8b447f76c6eaaa2c9345c1ee0146b94900ee5267ffcb9307",
        },
        RETAIL_USE,
        YUNET_FILES
        | {
            f"face-reidentification-retail-0095.{kind}": f"{RETAIL_AT}face-reidentification-retail-0095.{kind}"
            for kind in ("xml", "bin")
        },
        f"{YUNET_AT}LICENSE",
        for_any_use=True,
    ),
}
AGE_AND_SEX = "age_and_sex"
# What is no face model, and is had in the same ways.
OTHERS = {
    AGE_AND_SEX: KnownPack(
        "Intel's age-gender-recognition-retail-0013; 4 MB. Estimates of age and sex, where they are turned on.",
        {
            "age-gender-recognition-retail-0013.xml": "a3c4c149f644a8cbcf81fb9fe5c9eb2500c5a102c6dea8ed9ef748eb60e07a02"
            "05371d5a839f26592848433971ea8547",
            "age-gender-recognition-retail-0013.bin": "667b71d543f455e5683c70de8ae6db303e8c2362b1e25d3b2539a2ce80bb689c"
            "cedefb79b2111b0b8cb6dafcbb2cc5b4",
        },
        "Apache-2.0, for any use. Its maker says that it is not for people under 18.",
        {
            f"age-gender-recognition-retail-0013.{kind}": f"{AGE_AND_SEX_AT}age-gender-recognition-retail-0013.{kind}"
            for kind in ("xml", "bin")
        },
        ZOO_LICENCE,
        for_any_use=True,
    )
}


def known(name: str) -> KnownPack | None:
    """A public pack, of a face model or of another kind."""
    return KNOWN.get(name) or OTHERS.get(name)


def find(name: str) -> Path | None:
    """The folder of an installed pack: in the data folder, or where the insightface library keeps its own."""
    if Path(name).name != name:
        return None
    for folder in (settings.MODELS_DIR / name, Path.home() / ".insightface" / "models" / name):
        if any(folder.glob("*.xml" if name in OTHERS else "*.onnx")):
            return folder
    return None


def installed() -> dict[str, Path]:
    """Every pack found, by name."""
    names = set(KNOWN | OTHERS)
    if settings.MODELS_DIR.is_dir():
        names |= {path.name for path in settings.MODELS_DIR.iterdir() if path.is_dir()}
    return {name: folder for name in sorted(names) if (folder := find(name))}


def verify(name: str, folder: Path) -> None:
    """Compare a pack's files with the published checksums.

    Raises `PackProblem` for a missing or changed file, and for a pack whose checksums are not known.
    """
    pack = known(name)
    if pack is None:
        raise PackProblem(f"{name} is not a public pack, so there is no checksum to compare with.")
    for filename, expected in pack.checksums.items():
        path = folder / filename
        if not path.is_file():
            raise PackProblem(f"{name} lacks {filename}. Install it again: manage.py models install {name}")
        if digest_of(path, "sha384" if len(expected) == 96 else "sha256") != expected:
            raise PackProblem(f"{path} is damaged: its checksum differs. Remove {folder} and install {name} again.")


def addresses(name: str) -> dict[str, str]:
    """Where a public pack is to be had: by the name of each file, or of the zip that holds them."""
    pack = known(name)
    if pack is not None and pack.files:
        return pack.files | ({"LICENSE": pack.beside} if pack.beside else {})
    # Its package loads onnxruntime and more, which a process that downloads nothing need not hold.
    from insightface.utils.storage import model_zoo_download_url

    return {f"{name}.zip": model_zoo_download_url(f"{name}.zip")}


def download(name: str, progress: Callable[[int, int], None] | None = None) -> Path:
    """Fetch a public pack into the data folder.

    progress: called with bytes so far and bytes in all (0 where not known), of each file. A server that does not
    answer, or stops sending, ends the attempt within 10 seconds. Raises `PackProblem`.
    """
    if known(name) is None:
        raise PackProblem(f"{name} is not a public pack; there are {', '.join(KNOWN | OTHERS)}.")
    target = _new_folder(name)
    with tempfile.TemporaryDirectory(dir=settings.MODELS_DIR) as scratch:
        fresh = Path(scratch) / name
        fresh.mkdir()
        try:
            for filename, address in addresses(name).items():
                _fetch(address, fresh / filename, progress)
        except requests.RequestException as error:
            raise PackProblem(
                f"{name} could not be downloaded ({type(error).__name__}). On a machine with a network fetch "
                f"{', '.join(addresses(name).values())} and zip the files as {name}.zip; "
                f"then here: manage.py models install {name}.zip"
            ) from error
        if (archive := fresh / f"{name}.zip").exists():
            return install_zip(archive, name)
        verify(name, fresh)
        fresh.rename(target)
    return target


def _fetch(address: str, path: Path, progress: Callable[[int, int], None] | None) -> None:
    with (
        requests.get(address, stream=True, timeout=(STALL_SECONDS / 2, STALL_SECONDS / 2)) as response,
        open(path, "wb") as file,
    ):
        response.raise_for_status()
        total, got, last_said = int(response.headers.get("content-length", 0)), 0, 0.0
        for chunk in response.iter_content(2**20):
            got += file.write(chunk)
            if progress and time.monotonic() - last_said > 1:
                last_said = time.monotonic()
                progress(got, total)


def _new_folder(name: str) -> Path:
    """Where a pack of this name will be kept. Raises `PackProblem` where there is one."""
    target = settings.MODELS_DIR / name
    if target.exists():
        raise PackProblem(f"{target} is there already. Remove it first to install {name} again.")
    settings.MODELS_DIR.mkdir(parents=True, exist_ok=True)
    return Path(target)


def install_zip(path: Path, name: str) -> Path:
    """Unpack a pack's zip under the data folder and check it. Raises `PackProblem`; then nothing is left behind."""
    target = _new_folder(name)
    with tempfile.TemporaryDirectory(dir=settings.MODELS_DIR) as scratch:
        fresh = Path(scratch) / name
        fresh.mkdir()
        try:
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.infolist() if PurePosixPath(m.filename).suffix in WEIGHTS]
                if sum(member.file_size for member in members) > MAX_UNPACKED:
                    raise PackProblem(f"{path.name} unpacks to over {MAX_UNPACKED // 2**30} GB; that is no face model.")
                for member in members:
                    # Only the file's own name counts: some packs lie in a folder in their zip, and none may climb out.
                    with archive.open(member) as source, open(fresh / PurePosixPath(member.filename).name, "wb") as out:
                        shutil.copyfileobj(source, out)
        except (zipfile.BadZipFile, OSError) as error:
            raise PackProblem(f"{path} is not a zip that can be read: {error}.") from error
        if not members:
            raise PackProblem(
                f"{path.name} holds no weights (.onnx, or .xml with .bin); that is no pack of a face model."
            )
        if known(name):
            verify(name, fresh)
        fresh.rename(target)
    return target
