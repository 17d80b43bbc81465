"""The service without group commit: each join runs at once in a statement of its own."""

from app import create_app
from app.infra import batcher

batcher.MAX_CONCURRENT_BATCHES = 1_000_000
app = create_app()
