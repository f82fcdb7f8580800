"""Fill in deploy/nginx.conf.template, as the nginx image does for compose.yaml:

    python deploy/nginx.py --listen 8080 --site 127.0.0.1:8000 > /etc/nginx/nginx.conf

With --certificate and --key TLS ends here: `--listen "443 ssl"`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent / "nginx.conf.template"
LOG = "/var/log/nginx/access.log"
TWICE = "        server ${SITE} max_fails=0;\n" * 2
TLS = "ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"


def fill_in(template: str, facts: dict[str, str]) -> str:
    """The settings; nginx's own variables have no braces. Raises KeyError for a name that was not given."""
    return re.sub(r"\$\{([A-Z]+)\}", lambda found: facts[found[1]], template)


def settings(
    *,
    listen: str,
    site: str,
    public: str = "/var/lib/revival/public",
    last: str = "/var/lib/revival/last",
    run: str = "/run",
    log: str = LOG,
    tls: str = "",
) -> str:
    """`site`: where gunicorn listens; several, by commas. The last pages of one of several are not shown: it may have
    ended before another withdrew a page."""
    is_one = "," not in site
    facts = {
        "LISTEN": listen,
        "SITE": site,
        "PUBLIC": public,
        "LAST": last if is_one else public,
        "RUN": run,
        "LOG": log,
        "TLS": tls,
    }
    template = TEMPLATE.read_text()
    return fill_in(template if is_one else of_several(template, site.split(",")), facts)


def of_several(template: str, sites: list[str]) -> str:
    """One that fails once is left alone for five seconds; one gone without a word costs one reader half a second."""
    servers = "".join(f"        server {site} max_fails=1 fail_timeout=5s;\n" for site in sites)
    template = template.replace(TWICE, servers).replace("proxy_connect_timeout 2s;", "proxy_connect_timeout 500ms;")
    return template.replace("proxy_next_upstream error;", "proxy_next_upstream error timeout;")


def main() -> None:
    asked = argparse.ArgumentParser(description="Write nginx's settings to standard output.")
    asked.add_argument("--listen", default="8080", help="port, or address and port (8080)")
    asked.add_argument(
        "--site", default="127.0.0.1:8000", help="where gunicorn listens; several, by commas (127.0.0.1:8000)"
    )
    asked.add_argument("--public", default="/var/lib/revival/public", help="what write_public_files wrote")
    asked.add_argument(
        "--last", default="/var/lib/revival/last", help="the web service's LAST_PAGES_DIR (/var/lib/revival/last)"
    )
    asked.add_argument("--run", default="/run", help="folder for the number of the process and for uploads")
    asked.add_argument("--log", default=LOG, help=f"the log of requests ({LOG})")
    asked.add_argument("--certificate", default="")
    asked.add_argument("--key", default="")
    given = asked.parse_args()
    if bool(given.certificate) != bool(given.key):
        asked.error("--certificate and --key go together")
    tls = TLS.format(certificate=given.certificate, key=given.key) if given.key else ""
    facts = {name: getattr(given, name) for name in ("listen", "site", "public", "last", "run", "log")}
    print(settings(**facts, tls=tls), end="")


if __name__ == "__main__":
    main()
