"""What `course lab` asks of its Jupyter server beyond the usual: to pass on at once what kernels say.

The first message of an answer tells that the kernel is busy. Left to itself, the system keeps the next one back until
the browser has confirmed the first (RFC 896), and the browser's system takes its time to do so (RFC 1122, 4.2.3.2): a
third of the time from the hand to a picture that the kernel computes.
"""

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """Jupyter's connection from kernel to browser, with TCP_NODELAY."""

    def connect(self) -> Any:
        """Open the connection."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
