#!/bin/sh
# Test the Dockerfile's steps without a container engine: install production packages, copy the files that the image
# gets, collect static files, start in production mode and request pages. Deletes everything afterwards.
#   deploy/image-steps.sh DATABASE_URL
set -eu
database=${1:?"usage: deploy/image-steps.sh DATABASE_URL"}
here=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'kill "$web" 2>/dev/null || true; wait; rm -rf "$work"' EXIT INT TERM
web=""

"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --disable-pip-version-check \
    --require-hashes --no-deps --requirement "$here/requirements.txt"

mkdir -p "$work/app/deploy/backup"
cd "$work/app"
cp "$here/manage.py" .
for folder in revival articles booking templates static; do cp -R "$here/$folder" "$folder"; done
cp "$here/deploy/gunicorn.conf.py" deploy/
cp "$here"/deploy/backup/*.py deploy/backup/
REVIVAL_MODE=trial DATABASE_URL=postgresql://nobody@localhost/none \
    "$work/venv/bin/python" manage.py collectstatic --noinput --verbosity 0
rm -rf .run
"$work/venv/bin/python" -m compileall -q revival articles booking

export REVIVAL_MODE=production DATABASE_URL="$database" ALLOWED_HOSTS=clinic.example PORT="${PORT:-8700}"
export SITE_URL=https://clinic.example EMAIL_URL=smtp://mail.clinic.example:25
SECRET_KEY=$("$work/venv/bin/python" -c "import secrets; print(secrets.token_urlsafe(50))")
LINK_KEY=$("$work/venv/bin/python" -c "import secrets; print(secrets.token_urlsafe(50))")
export SECRET_KEY LINK_KEY
"$work/venv/bin/python" manage.py migrate --noinput --verbosity 0
"$work/venv/bin/python" manage.py load_clinic
"$work/venv/bin/python" manage.py check --deploy --database default
"$work/venv/bin/gunicorn" -c deploy/gunicorn.conf.py revival.wsgi &
web=$!
sleep 5
"$work/venv/bin/python" - <<'PYTHON'
import os
import urllib.request as u

base = f"http://127.0.0.1:{os.environ['PORT']}"
as_reader = {"Host": "clinic.example", "X-Forwarded-Proto": "https"}
for path in ("/healthz", "/readyz", "/", "/articles/", "/book/"):
    answer = u.urlopen(u.Request(base + path, headers=as_reader), timeout=10)
    print(answer.status, path)
PYTHON
