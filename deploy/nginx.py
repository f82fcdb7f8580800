"""Write nginx.conf from deploy/nginx.conf.template (for compose.yaml the nginx image does this):

    python deploy/nginx.py --listen 8080 --site 127.0.0.1:8000 > /etc/nginx/nginx.conf

With --certificate and --key nginx terminates TLS: `--listen "443 ssl"`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent / "nginx.conf.template"
NOBODY = "255.255.255.255"
"""An address that no connection comes from: no proxy is believed."""
LOG = "/var/log/nginx/access.log"
TWICE = "        server ${SITE} max_fails=0;\n" * 2
TLS = "ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;"


def fill_in(template: str, values: dict[str, str]) -> str:
    """Replace each `${NAME}`; nginx's own variables have no braces. Raises KeyError for a name without a value."""
    return re.sub(r"\$\{([A-Z]+)\}", lambda match: values[match[1]], template)


def settings(
    *,
    listen: str,
    site: str,
    public: str = "/var/lib/revival/public",
    last: str = "/var/lib/revival/last",
    run: str = "/run",
    log: str = LOG,
    tls: str = "",
    proxy: str = NOBODY,
) -> str:
    """nginx.conf as text. `site` is where gunicorn listens; several addresses are separated by commas. `proxy` is the
    address or network of a proxy in front that ends TLS.

    With several, nginx does not show the last pages of one: another may have withdrawn a page after it stopped.
    """
    is_one = "," not in site
    values = {
        "LISTEN": listen,
        "SITE": site,
        "PUBLIC": public,
        "LAST": last if is_one else public,
        "RUN": run,
        "LOG": log,
        "TLS": tls,
        "PROXY": proxy,
    }
    template = TEMPLATE.read_text()
    return fill_in(template if is_one else of_several(template, site.split(",")), values)


def of_several(template: str, sites: list[str]) -> str:
    """A site that fails is not asked for five seconds; connecting to one that does not answer gives up after 0.5 s."""
    servers = "".join(f"        server {site} max_fails=1 fail_timeout=5s;\n" for site in sites)
    template = template.replace(TWICE, servers).replace("proxy_connect_timeout 2s;", "proxy_connect_timeout 500ms;")
    return template.replace("proxy_next_upstream error;", "proxy_next_upstream error timeout;")


def main() -> None:
    parser = argparse.ArgumentParser(description="Write nginx.conf to standard output.")
    parser.add_argument("--listen", default="8080", help="port, or address and port (8080)")
    parser.add_argument(
        "--site",
        default="127.0.0.1:8000",
        help="where gunicorn listens; several addresses separated by commas (127.0.0.1:8000)",
    )
    parser.add_argument("--public", default="/var/lib/revival/public", help="folder that write_public_files wrote")
    parser.add_argument(
        "--last", default="/var/lib/revival/last", help="the web service's LAST_PAGES_DIR (/var/lib/revival/last)"
    )
    parser.add_argument("--run", default="/run", help="folder for the process id file and for uploads")
    parser.add_argument("--log", default=LOG, help=f"access log ({LOG})")
    parser.add_argument(
        "--proxy", default=NOBODY, help="address or network of a proxy in front that ends TLS; else none is believed"
    )
    parser.add_argument("--certificate", default="")
    parser.add_argument("--key", default="")
    options = parser.parse_args()
    if bool(options.certificate) != bool(options.key):
        parser.error("--certificate and --key go together")
    tls = TLS.format(certificate=options.certificate, key=options.key) if options.key else ""
    values = {name: getattr(options, name) for name in ("listen", "site", "public", "last", "run", "log", "proxy")}
    print(settings(**values, tls=tls), end="")


if __name__ == "__main__":
    main()
