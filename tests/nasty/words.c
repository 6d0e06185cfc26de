/* SPDX-License-Identifier: MIT */
#include "words.h"

#include <stdio.h>
#include <stdlib.h>

uint64_t number_word(const char *word)
{
	char *end;
	uint64_t value = strtoull(word, &end, 0);

	if (*word == '\0' || *end != '\0') {
		fprintf(stderr, "%s is no number\n", word);
		exit(2);
	}
	return value;
}

bool program_is_there(const char *program)
{
	char command[256];

	snprintf(command, sizeof command, "command -v %s >/dev/null", program);
	return system(command) == 0;
}
