# SPDX-License-Identifier: MIT
#
# mutants.mk - mistakes made on purpose; docs/mutants.md.

# --- mistakes made on purpose ------------------------------------------------

MUTANTS := $(PYTHON) tools/mutants.py

mutants: $(TEST_FILES) $(HOST_PROGS) $(BENCH_FILES) ## each must be noticed (ONLY=pattern LIST=1 JOBS=2)
	$(Q)$(MUTANTS) $(if $(LIST),--list) $(if $(JOBS),-j $(JOBS)) $(ONLY)

.PHONY: mutants

sweep: $(TEST_FILES) $(B)/calf-test.img ## leave out each statement of proc/ and trap/ (SAMPLE=n SEED=s ONLY=file)
	$(Q)$(PYTHON) tools/sweep.py $(if $(SAMPLE),--sample $(SAMPLE)) \
		$(if $(SEED),--seed $(SEED)) $(ONLY)

.PHONY: sweep
