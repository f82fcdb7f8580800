# `make` prints the list of commands. Needs only Python 3.11 or later and make.

PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-run run password dev test check bench bench-desk bench-many bench-slots drill drill-cluster drill-mail backup restore audit screenshots docs lock

# Each recipe is one plain command, so that make runs it without a shell and signals reach it.

help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

setup:
	@$(PYTHON) deploy/local/bootstrap.py dev

setup-run:
	@$(PYTHON) deploy/local/bootstrap.py run

run: setup-run ## Run the whole site: database, web server, worker (PORT=8000, HOST=127.0.0.1)
	@$(BIN)/python deploy/local/run.py

password: setup-run ## Make a new password for the trial copy's desk
	@$(BIN)/python -m deploy.local.postgres $(BIN)/python deploy/local/password.py

dev: setup-run ## Run the whole site with debug pages, reloading when code changes
	@$(BIN)/python deploy/local/run.py --dev

test: setup ## Run all tests against a real PostgreSQL (ARGS="-k slots" goes to pytest)
	@$(BIN)/python deploy/check.py test $(ARGS)

check: setup ## Run every check: format, lint, types, imports, templates, migrations, deploy, tests
	@$(BIN)/python deploy/check.py all

bench: setup ## Measure page speed, bookings, memory, and fifty guests on one slot (needs wrk and nginx)
	@$(BIN)/python deploy/check.py bench

bench-desk: setup ## Measure the desk of ten therapists with 400 visits a week
	@$(BIN)/python deploy/check.py bench-desk

bench-many: setup ## Measure 10,000 therapists and 10 million visits in one database (20 minutes; MANY_VISITS=1000000 for fewer)
	@$(BIN)/python deploy/check.py bench-many

bench-slots: setup ## Measure free times with 0, 10 thousand and 1 million past visits
	@$(BIN)/python deploy/check.py bench-slots

drill: setup ## Break each part under load: nothing promised may be lost (half an hour; ARGS="hang deploy"; needs nginx)
	@$(BIN)/python deploy/check.py drill $(ARGS)

drill-cluster: setup ## Kill machines of a three-node PostgreSQL cluster under load (needs etcd, haproxy, pgbouncer, nginx)
	@$(BIN)/python deploy/check.py drill-cluster $(ARGS)

drill-mail: setup ## Kill workers while they send, and stop the mail server: no mail may be lost
	@$(BIN)/python deploy/check.py drill-mail

backup: setup ## Save the database, encrypted for BACKUP_RECIPIENT (TO=.backups)
	@$(BIN)/python deploy/backup/backup.py save $(or $(TO),.backups)

restore: setup ## Restore a backup into an empty database (FROM=.backups/revival-... KEY=file of the secret key)
	@$(BIN)/python deploy/backup/backup.py load $(or $(FROM),?) $(or $(KEY),?) $(ARGS)

audit: setup ## Run the browser audits and Lighthouse (needs npm, chromium, java; ARGS=phone for Lighthouse alone)
	@$(BIN)/python deploy/check.py audit $(ARGS)

screenshots: setup ## Redraw the README's pictures (needs chromium)
	@$(BIN)/python deploy/check.py screenshots

docs: setup ## Write docs/configuration.md from the settings
	@$(BIN)/python deploy/configuration.py

lock: setup ## Update requirements*.txt from pyproject.toml
	@$(BIN)/python deploy/lock.py
