# `make` alone says what there is. The logic is in scripts/; each target works again when run twice.

.DEFAULT_GOAL := help
.PHONY: help setup demo test conformance check bench fuzz screenshots clean

help: ## say what there is
	@echo 'Doorward, a SAML 2.0 identity provider. Targets:'
	@sed -n 's/^\([a-z]*\):.*## /  \1\t/p' Makefile | expand -t 16

demo: ## install what is missing, build, run the whole story on loopback (ARGS="--port 9000")
	@scripts/demo.sh $(ARGS)

test: ## set up what the tests need, then run all of them (ARGS="--test promise")
	@scripts/test.sh $(ARGS)

conformance: ## run all tests, then write docs/conformance.md of those that passed
	@scripts/test.sh --write-conformance

check: ## formatting, lints, documentation, dependencies, scripts
	@scripts/check.sh

bench: ## the benchmark, on a release build (ARGS=scale: one of them; ARGS="warm_sso -- 40 1": its arguments)
	@scripts/bench.sh $(ARGS)

fuzz: ## fuzz what takes bytes from outside (ARGS="signature 1200": one target, seconds; ARGS=smoke: corpora)
	@scripts/fuzz.sh $(ARGS)

screenshots: ## make docs/images anew from the running demo
	@scripts/screenshots.sh

setup: ## only install what building, testing and checking need
	@scripts/setup.sh

clean: ## remove what was built and the tools fetched into .tools
	rm -rf target .tools
