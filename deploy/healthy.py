"""Exit 0 when this container's web process answers on a port: python deploy/healthy.py 8000."""

import os
import sys
import urllib.request

# Asks as nginx would: for a host the installation answers to, over HTTPS.
host = os.environ.get("OSKARTRACK_HOSTS", "localhost").split(",")[0]
request = urllib.request.Request(
    f"http://127.0.0.1:{int(sys.argv[1])}/healthz",
    headers={"Host": host, "X-Forwarded-Proto": "https"},
)
urllib.request.urlopen(request, timeout=3)  # noqa: S310 - it is HTTP, above
