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

# --- to look for a hidden mistake ----------------------------------------------

HUNT := $(PYTHON) tools/hunt.py

hunt: $(B)/calf-test.elf $(B)/test.cpio ## a hidden mistake, and what it does (LEVEL=1..3 N= EXERCISE=)
	$(Q)$(HUNT) start --level "$(or $(LEVEL),1)" $(if $(N),--number "$(N)") \
		$(if $(EXERCISE),--exercise "$(EXERCISE)")

hunt-hint: ## the rule that it breaks
	$(Q)$(HUNT) hint

hunt-check: ## is it repaired?
	$(Q)$(HUNT) check

hunt-reveal: ## where it is
	$(Q)$(HUNT) reveal

.PHONY: hunt hunt-hint hunt-check hunt-reveal
