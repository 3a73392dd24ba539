"""Networks: the only room that knows flax."""

from regimax.networks.base import Network, NetworkFactory
from regimax.networks.mlp import mlp
from regimax.networks.recurrent import gru

__all__ = ["Network", "NetworkFactory", "gru", "mlp"]
