# SPDX-License-Identifier: MIT
#
# mutants.mk - mistakes made on purpose; docs/mutants.md.

# --- mistakes made on purpose ------------------------------------------------

MUTANTS := $(PYTHON) tools/mutants.py

mutants: $(TEST_FILES) $(HOST_PROGS) $(BENCH_FILES) ## each must be noticed (ONLY=pattern LIST=1 JOBS=2)
	$(Q)$(MUTANTS) $(if $(LIST),--list) $(if $(JOBS),-j $(JOBS)) $(ONLY)

.PHONY: mutants
