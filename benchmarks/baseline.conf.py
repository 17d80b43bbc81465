"""gunicorn's settings for the baseline and the published API: like gunicorn.conf.py, without hooks,
logging and worker class of the service."""

import os

bind = f"127.0.0.1:{os.environ['PORT']}"
workers = int(os.environ["WEB_CONCURRENCY"])
threads = int(os.environ["WEB_THREADS"])
worker_class = "gthread"
preload_app = os.environ.get("PRELOAD", "1") == "1"
keepalive = 5
control_socket_disable = True
accesslog = None
