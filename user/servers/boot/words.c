/* SPDX-License-Identifier: MIT */
/*
 * words.c - reading the kernel's command line; see words.h.
 */
#include "words.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define INIT "rdinit="

enum kind { KIND_NONE, KIND_ARGUMENT, KIND_VARIABLE };

/* How far the command line has been read. */
struct reader {
	struct words *to;
	size_t argc, envc;
	bool is_behind;  /* the words behind "--" */
	bool init_named; /* rdinit= was found, or there is none */
};

static enum kind kind_of(const struct reader *r, const char *word)
{
	const char *equals = strchr(word, '='), *dot = strchr(word, '.');

	if (r->is_behind)
		return KIND_ARGUMENT;
	if (equals != NULL && (dot == NULL || equals < dot))
		return KIND_VARIABLE;
	return dot == NULL && r->init_named ? KIND_ARGUMENT : KIND_NONE;
}

static void take_word(struct reader *r, char *word)
{
	if (!r->is_behind && strcmp(word, "--") == 0) {
		r->is_behind = true;
		return;
	}
	if (!r->is_behind && strncmp(word, INIT, strlen(INIT)) == 0) {
		if (!r->init_named && word[strlen(INIT)] != '\0')
			r->to->init = word + strlen(INIT);
		r->init_named = true;
		return;
	}
	if (!r->is_behind && strcmp(word, "boot.kill") == 0)
		r->to->kills = true;
	if (!r->is_behind && strcmp(word, "boot.serial") == 0)
		r->to->has_serial = true;
	switch (kind_of(r, word)) {
	case KIND_ARGUMENT:
		r->to->argv[r->argc++] = word;
		break;
	case KIND_VARIABLE:
		r->to->envp[r->envc++] = word;
		break;
	case KIND_NONE:
		break;
	}
}

/* Is there a word before "--" that begins with `begin`? */
static bool has_word(const char *text, const char *begin)
{
	size_t len = strlen(begin);

	for (bool first = true; *text != '\0'; first = *text++ == ' ') {
		if (!first)
			continue;
		if (strncmp(text, begin, len) == 0)
			return true;
		if (strncmp(text, "-- ", 3) == 0)
			return false;
	}
	return false;
}

/* Counts the words of `text`; the result may be a few too high. */
static size_t count_words(const char *text)
{
	size_t count = 1;

	for (; *text != '\0'; text++)
		count += *text == ' ';
	return count;
}

bool words_read(struct words *to, const char *text)
{
	static char home[] = "HOME=/", term[] = "TERM=linux";
	size_t words = count_words(text);
	char *copy = strdup(text), *rest = copy;
	struct reader r = {.to = to, .argc = 1};

	to->init = "/init";
	to->argv = calloc(words + 2, sizeof *to->argv);
	to->envp = calloc(words + 3, sizeof *to->envp);
	if (copy == NULL || to->argv == NULL || to->envp == NULL)
		return false;
	r.init_named = !has_word(text, INIT);
	while (rest != NULL) {
		char *word = rest;

		rest = strchr(word, ' ');
		if (rest != NULL)
			*rest++ = '\0';
		if (*word != '\0')
			take_word(&r, word);
	}
	to->argv[0] = (char *)to->init;
	to->envp[r.envc++] = home;
	to->envp[r.envc] = term;
	return true;
}
