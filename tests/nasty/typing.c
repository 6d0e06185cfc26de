/* SPDX-License-Identifier: MIT */
/*
 * typing.c - what is typed at the console: the bytes of a file, or what the
 * output asks for, as tests/user/typist.py types it on QEMU.
 */
#include <stdlib.h>
#include <string.h>

#include "elf.h"
#include "machine.h"

#define TYPING_STEPS 20000

static uint8_t *typed; /* all that was to be typed so far */
static uint64_t typed_len, typed_done;
static uint64_t typed_at; /* the next character comes then */

static void append(const uint8_t *bytes, uint64_t len)
{
	typed = realloc(typed, typed_len + len + 1); /* never of size 0 */
	if (typed == NULL)
		abort();
	memcpy(typed + typed_len, bytes, len);
	typed_len += len;
}

bool typing_is_ready(void)
{
	return typed_done < typed_len && machine_steps() >= typed_at;
}

int typing_get(void)
{
	if (!typing_is_ready())
		return -1;
	typed_at = machine_steps() + random_below(TYPING_STEPS);
	return typed[typed_done++];
}

bool typing_hurry(void)
{
	if (typed_done == typed_len || typed_at == NEVER || typing_is_ready())
		return false;
	typed_at = machine_steps();
	return true;
}

/* --- what the output asks for --------------------------------------------- */

#define QUESTION '?' /* with -during, typing begins here */
#define REQUEST  "# type "
#define EARLY    "early\r" /* typed before anything is asked for */
#define CTRL_C   "^C"      /* what a terminal shows for it */

static char line[512]; /* the line that is being shown, or its beginning */
static size_t line_len;

/* Takes a character, which is written as in C, off the text. */
static uint8_t take_character(const char **text)
{
	char digits[3] = "";
	const char *at = *text;

	*text = at + 1;
	if (at[0] == '\\' && at[1] == 'n') {
		*text = at + 2;
		return '\r';
	}
	if (at[0] != '\\' || at[1] != 'x')
		return (uint8_t)at[0];
	strncpy(digits, at + 2, 2);
	*text = at + 2 + strlen(digits);
	return (uint8_t)strtoul(digits, NULL, 16);
}

static void type_line(const char *text)
{
	if (typed_done == typed_len)
		typed_at = machine_steps() + random_below(TYPING_STEPS);
	while (*text != '\0') {
		uint8_t c = take_character(&text);

		append(&c, 1);
	}
}

bool typing_hear(uint8_t c)
{
	if (c == QUESTION && typed_at == NEVER)
		typed_at = machine_steps();
	if (!machine.config.typist)
		return false;
	if (c == '\n') {
		line[line_len] = '\0';
		if (strncmp(line, REQUEST, strlen(REQUEST)) == 0)
			type_line(line + strlen(REQUEST));
		line_len = 0;
	} else if (c != '\r' && line_len < sizeof line - 1) {
		line[line_len++] = (char)c;
	}
	if (line_len != strlen(CTRL_C) || memcmp(line, CTRL_C, line_len) != 0)
		return false;
	line_len = 0;
	return true;
}

void typing_init(void)
{
	const struct config *config = &machine.config;

	if (config->input != NULL) {
		uint64_t size;
		const uint8_t *text = file_read(config->input, &size);

		append(text, size);
	}
	if (config->typist)
		append((const uint8_t *)EARLY, strlen(EARLY));
	typed_at = config->during != NULL ? NEVER : 0;
}
