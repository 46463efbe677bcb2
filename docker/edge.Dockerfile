# The edge client alone, on x86 and ARM:  docker build -f docker/edge.Dockerfile -t sightline-edge .
#   docker run -v sightline-edge:/data --device /dev/video0 sightline-edge --source 0
FROM python:3.11-slim-bookworm
# dlib finds faces without weights; EXTRAS=insightface,mqtt,s3 adds what they need.
ARG EXTRAS=dlib,mqtt
RUN useradd --system --create-home --uid 10001 sightline && mkdir /data && chown sightline /data
COPY edge_client /src/edge_client
RUN pip install --no-cache-dir "/src/edge_client[$EXTRAS]"
USER sightline
VOLUME /data
ENV PYTHONUNBUFFERED=1
ENTRYPOINT ["sightline-edge", "--queue", "/data"]
