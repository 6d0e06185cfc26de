/* SPDX-License-Identifier: MIT */
/*
 * program.c - finds the program that a path means: the file itself, or the
 * interpreter that a script names in its first line. As Linux does; see
 * program.h.
 */
#include "program.h"

#include <string.h>

#include "abi/errno.h"
#include "abi/stat.h"

#define LINE      256 /* bytes of a script that are looked at */
#define MAX_DEPTH 5   /* scripts whose interpreters are scripts */

/*
 * The first line of a script, behind "#!". Behind the end of the file there are
 * NULs.
 */
struct line {
	char text[LINE];
	const char *name;
	const char *arg; /* the argument; NULL: none */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* The first character from `at` to `last` that is not blank, or NULL. */
static char *skip_blanks(char *at, char *last)
{
	while (at <= last && is_blank(*at))
		at++;
	return at <= last ? at : NULL;
}

/* The first character from `at` to `last` that is blank or NUL, or NULL. */
static char *find_blank(char *at, char *last)
{
	while (at <= last && !is_blank(*at) && *at != '\0')
		at++;
	return at <= last ? at : NULL;
}

/*
 * Where the line ends. If no newline was read, the name of the interpreter must
 * at least be complete: its beginning could be the name of another program.
 */
static char *end_of_line(struct line *line)
{
	char *last = line->text + LINE - 1, *name;
	char *end = line->text + strnlen(line->text, LINE);
	char *newline = memchr(line->text, '\n', (size_t)(end - line->text));

	if (newline != NULL)
		return newline;
	name = skip_blanks(line->text + 2, last);
	return name != NULL && find_blank(name, last) != NULL ? last : NULL;
}

static int line_parse(struct line *line)
{
	char *end = end_of_line(line), *name, *blank, *arg = NULL;

	if (end == NULL)
		return -ENOEXEC;
	while (is_blank(end[-1]))
		end--;
	name = skip_blanks(line->text + 2, end);
	if (name == NULL || name == end)
		return -ENOEXEC;
	blank = find_blank(name, end);
	if (blank != NULL && *blank != '\0')
		arg = skip_blanks(blank, end);
	*end = '\0';
	if (blank != NULL)
		*blank = '\0';
	line->name = name;
	line->arg = arg;
	return 0;
}

static int words_prepend(struct program *program, const char *word)
{
	size_t len = strlen(word) + 1;

	if (len > WORDS_SIZE - program->words_len)
		return -E2BIG;
	memmove(program->words + len, program->words, program->words_len);
	memcpy(program->words, word, len);
	program->words_len += len;
	return 0;
}

/*
 * Puts the words of a script in front of the words that are there already,
 * which are those of a script that it interprets.
 */
static int add_words(struct program *program, const char *path,
    const struct line *line)
{
	int err = 0;

	if (program->words_len == 0)
		err = words_prepend(program, path);
	if (err == 0 && line->arg != NULL)
		err = words_prepend(program, line->arg);
	return err == 0 ? words_prepend(program, line->name) : err;
}

static int find_file(struct tree *t, struct where where, enum path_how how,
    struct node **node)
{
	int err = path_find(t, where, how, node);

	if (err == 0 && (!node_is(*node, S_IFREG) || !((*node)->mode & 0111)))
		return -EACCES;
	return err;
}

/*
 * Reads the line of a script; false if it is none. It is read only once, as a
 * process that has mapped the file may store there meanwhile.
 */
static bool read_line(const struct node *node, struct line *line)
{
	memset(line->text, 0, sizeof line->text);
	data_read(node, 0, line->text, LINE);
	return line->text[0] == '#' && line->text[1] == '!';
}

int program_find(struct tree *t, struct where where, struct node *dir,
    struct program *program)
{
	const char *path = where.path;
	int err = find_file(t, where, PATH_FOLLOW, &program->node);
	struct line line;

	program->words_len = 0;
	for (unsigned depth = 0; err == 0 && read_line(program->node, &line);
	     depth++) {
		err = line_parse(&line);
		if (err == 0)
			err = add_words(program, path, &line);
		if (err == 0)
			err = find_file(t, (struct where){dir, line.name},
			    PATH_FOLLOW | PATH_EMPTY, &program->node);
		if (err == 0 && depth == MAX_DEPTH)
			err = -ELOOP;
	}
	return err;
}
