"""Stands beside a camera: finds faces and sends them to Sightline. Imports nothing of the server."""

VERSION = "0.22.0"
