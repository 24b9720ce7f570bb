# Needs make, python3 (3.11 or later) and apt; everything else is fetched into .venv and .runtime.

.PHONY: demo test lint screenshots environment

demo:  ## The platform with a simulated city, on http://127.0.0.1:8000/
	python3 -m deploy.local.bootstrap
	.venv/bin/citybrain up

# Three workers, on two processors too: much of the time tests wait, for processes that start and for clocks.
test: lint  ## Everything that can fail
	.venv/bin/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

screenshots: environment  ## docs/pictures/*.png, of the platform at CITYBRAIN_ADDRESS, as CITYBRAIN_NAME with CITYBRAIN_PASSWORD
	.venv/bin/python tests/browser/pictures.py

lint: environment
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/python -m mypy

environment:
	python3 -m deploy.local.bootstrap --dev
