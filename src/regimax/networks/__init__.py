"""Networks: the only room that knows flax."""

from regimax.networks._linear_attention import linear_attention
from regimax.networks._mlp import mlp
from regimax.networks._pair_memory import pair_memory
from regimax.networks._transformer import transformer
from regimax.networks.adapters import low_rank
from regimax.networks.base import Code, Network, NetworkFactory
from regimax.networks.normalized import normalize_observations
from regimax.networks.recurrent import gru

__all__ = [
    "Code",
    "Network",
    "NetworkFactory",
    "gru",
    "linear_attention",
    "low_rank",
    "mlp",
    "normalize_observations",
    "pair_memory",
    "transformer",
]
