"""Of Graphite's web application, which reads it by its name: everything local, and what Carbon still holds too."""

import os

SECRET_KEY = "of a server that tests start on 127.0.0.1 and end again"
CARBONLINK_HOSTS = [os.environ.get("TESTED_CARBONLINK", "127.0.0.1:7002")]
TIME_ZONE = "UTC"
