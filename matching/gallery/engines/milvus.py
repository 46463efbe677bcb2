"""Milvus, for galleries that outgrow one database: every template compared (FLAT), in half precision.

Indexes that look at a part of the gallery lose mates (docs/architecture.md, "Search"), so none is used.
"""

import logging
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
from numpy.typing import NDArray

from matching.gallery import calibration
from matching.gallery.engines.base import Entry, GalleryAway, Wanted
from matching.models import FaceModel

FORM = "milvus://name:password@host:19530/prefix, or milvuss:// for TLS"
# What Milvus gives at most for one probe.
MOST = 16_384
# A search waits no longer for it: PostgreSQL answers as well.
SECONDS = 2.0
# Telling it takes longer than asking it.
FEEDING_SECONDS = 60.0
EMBEDDING, METRIC = "embedding", "IP"


class Milvus:
    """`FedGallery`. url: as `FORM`. Raises `GalleryAway` for one that names nothing, or without the library."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("milvus", "milvuss") or not parts.hostname or not parts.path.strip("/").isidentifier():
            raise GalleryAway(f"GALLERY_URL must be {FORM}; a prefix has letters, digits and underscores.")
        self._parts, self._prefix = parts, parts.path.strip("/")
        self.address = f"{parts.hostname}:{parts.port or 19530}/{self._prefix}"

    def nearest(self, wanted: Wanted) -> list[list[int]]:
        asked = [] if wanted.collections is None else [f"collection in {sorted(wanted.collections)}"]
        asked += [] if wanted.most is None else [f"poorness <= {float(wanted.most)!r}"]
        found: list[list[int]] = [[] for _ in wanted.embeddings]
        poor = wanted.poorness > calibration.POOR_FROM
        # A poor probe is like poor pictures of everybody, for which something is taken off: it asks for them apart, so
        # that they do not take the places of the others.
        limit = repr(calibration.POOR_FROM)
        for probes, kinds in ((~poor, [[]]), (poor, [[f"poorness > {limit}"], [f"poorness <= {limit}"]])):
            for kind in kinds if probes.any() else []:
                answers = self._ask(wanted, probes, " and ".join([*asked, *kind]))
                for probe, templates in zip(np.flatnonzero(probes), answers, strict=True):
                    found[probe] += templates
        return found

    def count(self, model: FaceModel) -> int:
        with self._answers(model) as client:
            if client is None:
                return 0
            (row,) = client.query(self._name(model), filter="", output_fields=["count(*)"], timeout=FEEDING_SECONDS)
            return int(row["count(*)"])

    def fingerprints(self, model: FaceModel) -> Iterator[tuple[int, int]]:
        with self._answers(model) as client:
            if client is None:
                return
            rows = client.query_iterator(
                self._name(model), batch_size=1000, filter="template >= 0", output_fields=["template", "fingerprint"]
            )
            while part := rows.next():
                yield from ((int(row["template"]), int(row["fingerprint"])) for row in part)

    def add(self, model: FaceModel, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        with self._answers() as client:
            self._made(client, model)
            rows = [
                {
                    "template": one.template,
                    "collection": one.collection,
                    "poorness": one.poorness,
                    "fingerprint": one.fingerprint,
                    EMBEDDING: one.embedding.astype(self._number),
                }
                for one in entries
            ]
            client.upsert(self._name(model), rows, timeout=FEEDING_SECONDS)

    def remove(self, model: FaceModel, templates: Collection[int]) -> None:
        with self._answers(model) as client:
            if client is not None and templates:
                client.delete(self._name(model), ids=sorted(templates), timeout=FEEDING_SECONDS)

    def clear(self) -> None:
        with self._answers() as client:
            for name in client.list_collections(timeout=FEEDING_SECONDS):
                # Another installation's prefix may begin with ours.
                if re.fullmatch(rf"{self._prefix}_\d+", name):
                    client.drop_collection(name, timeout=FEEDING_SECONDS)

    @cached_property
    def _client(self) -> Any:
        try:
            from pymilvus import MilvusClient
        except ImportError as missing:
            raise GalleryAway("pymilvus is not installed here: pip install pymilvus") from missing
        # It writes tracebacks of what is said in words here.
        logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
        parts = self._parts
        return MilvusClient(
            uri=f"{'https' if parts.scheme == 'milvuss' else 'http'}://{parts.hostname}:{parts.port or 19530}",
            token=f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else "",
            timeout=SECONDS,
        )

    @contextmanager
    def _answers(self, model: FaceModel | None = None) -> Iterator[Any]:
        """Its client; None where it holds nothing of that model yet. Raises `GalleryAway` for all that goes wrong."""
        try:
            client = self._client
            has_it = model is None or client.has_collection(self._name(model), timeout=SECONDS)
            yield client if has_it else None
        except GalleryAway:
            raise
        except Exception as problem:  # what pymilvus and grpc raise has no class in common
            words = " ".join(str(problem).split())[:200]
            raise GalleryAway(f"Milvus at {self.address}: {words or type(problem).__name__}") from problem

    def _ask(self, wanted: Wanted, probes: NDArray[np.bool_], where: str) -> list[list[int]]:
        """For some of the probes, among the templates of which that is true."""
        embeddings = wanted.embeddings[probes]
        with self._answers(wanted.model) as client:
            if client is None:
                return [[] for _ in embeddings]
            found = client.search(
                self._name(wanted.model),
                data=list(embeddings.astype(self._number)),
                anns_field=EMBEDDING,
                filter=where,
                limit=min(wanted.count, MOST),
                search_params={"metric_type": METRIC},
                output_fields=["template"],
                timeout=SECONDS,
            )
            return [[int(hit["template"]) for hit in hits] for hits in found]

    def _made(self, client: Any, model: FaceModel) -> None:
        """A collection of the model's own, where there is none yet."""
        if client.has_collection(self._name(model), timeout=SECONDS):
            return
        from pymilvus import DataType

        kind = DataType.FLOAT16_VECTOR if self._number is np.float16 else DataType.FLOAT_VECTOR
        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("template", DataType.INT64, is_primary=True)
        schema.add_field("collection", DataType.INT64)
        schema.add_field("poorness", DataType.DOUBLE)
        schema.add_field("fingerprint", DataType.INT64)
        schema.add_field(EMBEDDING, kind, dim=model.dimensions)
        index = client.prepare_index_params()
        index.add_index(EMBEDDING, index_type="FLAT", metric_type=METRIC)
        client.create_collection(
            self._name(model),
            schema=schema,
            index_params=index,
            consistency_level="Strong",
            timeout=FEEDING_SECONDS,
        )

    @cached_property
    def _number(self) -> type[np.floating[Any]]:
        """What embeddings are made of there: the small Milvus that comes as a package has no half precision."""
        return (
            np.float32 if "lite" in str(self._client.get_server_version(timeout=SECONDS, detail=True)) else np.float16
        )

    def _name(self, model: FaceModel) -> str:
        return f"{self._prefix}_{model.pk}"
