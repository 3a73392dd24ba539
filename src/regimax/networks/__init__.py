"""Networks: the only room that knows flax."""

from regimax.networks.base import Code, Network, NetworkFactory
from regimax.networks.mlp import mlp
from regimax.networks.recurrent import gru

__all__ = ["Code", "Network", "NetworkFactory", "gru", "mlp"]
