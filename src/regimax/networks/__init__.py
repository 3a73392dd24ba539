"""Networks: the only room that knows flax."""

from regimax.networks.adapters import low_rank
from regimax.networks.base import Code, Network, NetworkFactory
from regimax.networks.linear_attention import linear_attention
from regimax.networks.mlp import mlp
from regimax.networks.pair_memory import pair_memory
from regimax.networks.recurrent import gru
from regimax.networks.transformer import transformer

__all__ = [
    "Code",
    "Network",
    "NetworkFactory",
    "gru",
    "linear_attention",
    "low_rank",
    "mlp",
    "pair_memory",
    "transformer",
]
