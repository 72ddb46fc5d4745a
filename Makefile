# SPDX-License-Identifier: GPL-2.0
#
# Front end for people: builds the modules out of tree and runs the demo and the
# tests. What is in the modules is said in Kbuild; how they are built for one
# kernel, in scripts/ko-build. "make help" lists the targets.

# The kernel to build for: KDIR=<headers or build tree>, or KVER=<release with
# installed headers, or 6.1 or 6.12 for a guest kernel>; else the running one.
KDIR ?=
KVER ?=
INSTALL_MOD_PATH ?=
# DROP_IN=1 installs zram.ko too: this driver in the place of in-tree zram.
DROP_IN ?=

# What check-debug runs, on what if LANES= does not say, and what has to have happened there.
DEBUG_SETS := check,callers,long
DEBUG_LANES := kasan+lockdep,uml-kasan,6.12-kcsan
COVER := migrated,busy,putback,released_isolated,frees_deferred,objects_compacted,injected,delayed
# How long soak takes.
MINUTES ?= 30

KO_BUILD := scripts/ko-build $(if $(KDIR),--kdir '$(KDIR)') $(if $(KVER),--kver '$(KVER)')
TOOLS := $(patsubst tests/tools/%.c,build/tools/%,$(wildcard tests/tools/*.c))
TOOL_CFLAGS := -O2 -g -Wall -Wextra -pthread
SCRIPTS = $(shell grep -slE '^\#!/bin/(ba)?sh' scripts/* tests/run tests/batch tests/unit/guest .ci/run) \
	scripts/guest-lib tests/lib.sh $(wildcard tests/*.sh tests/meta/*.sh tests/bench/*.sh)
PYTHON = $(shell grep -slE '^\#!/usr/bin/python3' scripts/* tests/* tests/unit/*) \
	$(wildcard tests/bench/*.py)

.PHONY: all modules tools install uninstall deps kernels demo bench mutants check \
	check-callers check-long check-unit check-debug soak check-harness \
	check-scripts clean help

all: modules

modules: ## build/<release>/{zmalloc,zmram,zram}.ko (KDIR=, KVER=, W=1, V=1, C=1)
	+@$(KO_BUILD)

tools: $(TOOLS) ## build/tools/: the programs that the tests and the demo use

build/tools/%: tests/tools/%.c $(wildcard tests/tools/*.h)
	@mkdir -p $(@D)
	$(CC) $(TOOL_CFLAGS) -o $@ $<

install: modules ## put them into the kernel's updates/, depmod (DROP_IN=1, INSTALL_MOD_PATH=)
	@release=$$($(KO_BUILD) --release) && \
	scripts/ko-install $(if $(filter-out 0 n no,$(DROP_IN)),--drop-in) \
		'$(INSTALL_MOD_PATH)' "$$release"

uninstall: ## undo install
	@release=$$($(KO_BUILD) --release) && \
	scripts/ko-install --remove '$(INSTALL_MOD_PATH)' "$$release"

deps: ## install the Debian packages that build, check and demo need
	@scripts/deps

kernels: deps ## fetch the guest kernels into the cache (no boot entry)
	@scripts/kernels $(or $(KVER),6.1 6.12)

demo: ## show it at work in a guest (KVER=6.12)
	@scripts/deps
	@scripts/kernels $(or $(KVER),6.12) >/dev/null
	+@scripts/ko-build --kver $(or $(KVER),6.12) -s
	+@$(MAKE) -s tools
	@scripts/demo --kver $(or $(KVER),6.12)

check: ## run the tests in guests of both kernels (KVER= restricts)
	@scripts/deps
	+@tests/run $(if $(KVER),--kver '$(KVER)')

check-callers: ## every caller of page migration, in guests of both kernels (KVER= restricts)
	@scripts/deps
	+@tests/run --set callers $(if $(KVER),--kver '$(KVER)')

check-long: ## recompression, writeback, full swap areas, in guests of both kernels (KVER= restricts)
	@scripts/deps
	+@tests/run --set long $(if $(KVER),--kver '$(KVER)')

check-unit: ## unit tests and a random run of the allocator, natively, with KASAN (KVER= restricts)
	@scripts/deps
	+@tests/unit/run --chain 8,4,1 $(if $(KVER),--kver '$(KVER)')

check-debug: ## the tests on kernels with KASAN, lockdep and KCSAN (KVER=, LANES= restrict; hours)
	@scripts/deps
	+@tests/run --set $(DEBUG_SETS) --lane $(or $(LANES),$(DEBUG_LANES)) $(if $(KVER),--kver '$(KVER)') --cover $(COVER)

soak: ## everything at once on a debug kernel (MINUTES=, KVER=, LANE=, SEED= of a run to repeat)
	@scripts/deps
	+@tests/run --set soak --lane $(or $(LANE),kasan+lockdep) --kver $(or $(KVER),6.12) \
		--param minutes=$(MINUTES) $(if $(SEED),--param seed=$(SEED)) \
		--time-limit $$(($(MINUTES) * 60 + 900)) --slow 1

check-harness: ## run the tests of the test runner itself (tests/meta)
	@scripts/deps
	+@tests/run --self-test --kver $(or $(KVER),6.12)

bench: ## measure it beside in-tree zram, to out/bench/ (KVER=6.12, LANES=insn,native,smp,memory,move)
	@scripts/deps
	+@scripts/bench --kver $(or $(KVER),6.12) $(if $(LANES),--lanes '$(LANES)')

mutants: ## plant faults one by one; every one has to be caught by a test (long)
	@scripts/deps
	+@scripts/mutants $(if $(KVER),--kver $(KVER))

check-scripts: ## lint shell and Python (needs shellcheck)
	@command -v shellcheck >/dev/null || \
		{ echo "check-scripts: apt-get install shellcheck first" >&2; exit 1; }
	shellcheck -x -S warning -e SC1010,SC2034,SC2154 $(SCRIPTS)
	shellcheck -s dash scripts/guest-init
	scripts/mutants --check
	@for f in $(PYTHON); do \
		/usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read(), sys.argv[1])' \
			$$f || exit 1; \
	done

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' Makefile
