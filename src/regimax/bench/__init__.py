"""How fast regimax is here: standard workloads, ceilings measured beside them, comparison with another machine."""
