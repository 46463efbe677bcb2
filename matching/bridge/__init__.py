"""MQTT beside HTTP: a broker's messages brought into the same walks, each once.

`connection`: to the broker, and which of several bridges does what; `messages`: what becomes of each message.
"""

from matching.bridge.connection import Bridge, BridgeRefused

__all__ = ["Bridge", "BridgeRefused"]
