"""Settings of Graphite's web application, which reads them by this name."""

import os

SECRET_KEY = "of a server that tests start on 127.0.0.1 and end again"
# What Carbon still holds, too.
CARBONLINK_HOSTS = [os.environ.get("TESTED_CARBONLINK", "127.0.0.1:7002")]
TIME_ZONE = "UTC"
