"""How many clusters a trained model may have. Imports nothing: command-line help reads it too."""

MIN_CLUSTERS, MAX_CLUSTERS = 2, 12
CLUSTER_COUNTS = range(MIN_CLUSTERS, MAX_CLUSTERS + 1)
