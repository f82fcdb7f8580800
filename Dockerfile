# Image of web server and worker, and a second target with pg_dump for backups (compose.yaml).

FROM python:3.13-slim-trixie AS build
WORKDIR /app
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.txt ./
RUN /venv/bin/pip install --require-hashes --no-deps --requirement requirements.txt
COPY manage.py ./
COPY revival revival
COPY articles articles
COPY booking booking
COPY templates templates
COPY static static
COPY deploy/gunicorn.conf.py deploy/
COPY deploy/backup/*.py deploy/backup/
# collectstatic needs settings but no database; nothing connects to this address.
RUN REVIVAL_MODE=trial DATABASE_URL=postgresql://nobody@localhost/none \
    /venv/bin/python manage.py collectstatic --noinput --verbosity 0 \
    && rm -rf .run \
    && /venv/bin/python -m compileall -q revival articles booking

# Backups (service `backup` of compose.yaml): pg_dump of the server's version beside the site's code. Both base images
# are Debian trixie with Python 3.13, so the installed packages work in either.
FROM postgres:18-trixie AS backup
# Debian's Python with its newest fixes, so no version is pinned.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends python3 && rm -rf /var/lib/apt/lists/* \
    && install -d -o postgres -m 700 /backups
WORKDIR /app
COPY --from=build /venv/lib/python3.13/site-packages /packages
COPY --from=build /app /app
ENV PYTHONPATH=/packages PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 999
ENTRYPOINT ["python3", "deploy/backup/backup.py"]
CMD ["save", "/backups"]

FROM python:3.13-slim-trixie
RUN useradd --system --uid 10001 --no-create-home revival && install -d -o revival /public /last
WORKDIR /app
COPY --from=build /venv /venv
COPY --from=build /app /app
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
# Columns of tracebacks, which our logs do not quote, would take memory in each process.
ENV PYTHONNODEBUGRANGES=1
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["gunicorn", "-c", "deploy/gunicorn.conf.py", "revival.wsgi"]
