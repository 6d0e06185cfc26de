/* SPDX-License-Identifier: MIT */
/*
 * words.c - from a line to tokens, and from tokens to words.
 *
 * A token of kind TOKEN_WORD is raw, with its quotes and variables. It becomes
 * a word only when its command is about to run, because $? changes until then.
 */
#include "sh.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct token tokens[TOKENS_MAX];

static char words[2 * LINE_SIZE]; /* expanded */
static size_t words_used;

/* The length of the word at `s`, or -1 if a quote in it does not end. */
static int word_length(const char *s)
{
	const char *p = s;
	char quote;

	while (*p != '\0' && !isspace((unsigned char)*p) &&
	    strchr("|&;<>()", *p) == NULL) {
		quote = *p++;
		if (quote == '\\' && *p != '\0')
			p++;
		if (quote != '\'' && quote != '"')
			continue;
		for (; *p != quote; p++) {
			if (quote == '"' && *p == '\\' && p[1] != '\0')
				p++;
			if (*p == '\0')
				return -1;
		}
		p++;
	}
	return (int)(p - s);
}

static void lex_redirect(struct token *t, const char *s)
{
	const char *p = s;

	t->kind = TOKEN_REDIRECT;
	t->fd = isdigit((unsigned char)*p) ? *p++ - '0' : *p == '>';
	t->op = *p++;
	if (t->op == '>' && *p == '>') {
		t->op = 'a';
		p++;
	} else if (*p == '&') {
		t->op = 'd';
		p++;
	}
	t->len = (int)(p - s);
}

static void lex_operator(struct token *t, const char *s)
{
	bool doubled = s[0] == s[1];

	t->len = doubled && *s != ';' ? 2 : 1;
	if (*s == '|')
		t->kind = doubled ? TOKEN_OR : TOKEN_PIPE;
	else if (*s == '&')
		t->kind = doubled ? TOKEN_AND : TOKEN_BACKGROUND;
	else
		t->kind = TOKEN_SEMICOLON;
}

/* Fills in one token, and returns false where no token can begin. */
static bool lex_token(struct token *t, const char *s)
{
	*t = (struct token){.start = s};
	if (*s == '<' || *s == '>' ||
	    (isdigit((unsigned char)*s) && (s[1] == '<' || s[1] == '>'))) {
		lex_redirect(t, s);
	} else if (strchr("|&;\n", *s) != NULL) {
		lex_operator(t, s);
	} else {
		t->kind = TOKEN_WORD;
		t->len = word_length(s);
	}
	return t->len > 0;
}

/*
 * Skips space and comments up to the next token. The end of a line is a token,
 * with the meaning of a semicolon, if a word came before it.
 */
static const char *skip_space(const char *s, const struct token *before)
{
	bool ends_command = before != NULL && before->kind == TOKEN_WORD;

	for (;;) {
		s += strspn(s, " \t\r");
		if (*s == '#')
			s += strcspn(s, "\n");
		if (*s != '\n' || ends_command)
			return s;
		s++;
	}
}

int lex(const char *line)
{
	const char *s = line;
	int count = 0;

	for (;;) {
		s = skip_space(s, count > 0 ? &tokens[count - 1] : NULL);
		if (*s == '\0')
			break;
		if (count == TOKENS_MAX - 1) {
			complain("this line is too long");
			return -1;
		}
		if (!lex_token(&tokens[count], s)) {
			complain("what is this: %.20s", s);
			return -1;
		}
		s += tokens[count++].len;
	}
	tokens[count] = (struct token){.kind = TOKEN_END, .start = s};
	return count;
}

/* A word must follow < > | && ||, and come before | && || ; &. */
bool check_tokens(int count)
{
	bool after_word = false;
	bool word_wanted = false;

	for (int i = 0; i <= count; i++) {
		switch (tokens[i].kind) {
		case TOKEN_WORD:
			after_word = true;
			word_wanted = false;
			continue;
		case TOKEN_REDIRECT:
			if (i > 0 && tokens[i - 1].kind == TOKEN_REDIRECT)
				return false;
			word_wanted = true;
			continue;
		case TOKEN_END:
			return !word_wanted;
		default:
			if (!after_word || word_wanted)
				return false;
			after_word = false;
			word_wanted = tokens[i].kind <= TOKEN_OR;
		}
	}
	return true;
}

int find_token(int first, int end, enum token_kind a, enum token_kind b)
{
	while (
	    first < end && tokens[first].kind != a && tokens[first].kind != b)
		first++;
	return first;
}

/* Characters that do not fit are lost; expand() notices that. */
static void add_char(char c)
{
	if (words_used < sizeof words)
		words[words_used++] = c;
}

static void add_string(const char *s)
{
	while (s != NULL && *s != '\0')
		add_char(*s++);
}

static void add_number(int n)
{
	char digits[16];

	snprintf(digits, sizeof digits, "%d", n);
	add_string(digits);
}

/* Adds what the $ in front of `s` stands for; returns how much of `s`. */
static int add_variable(const char *s)
{
	char name[64];
	int len = 0;

	if (*s == '?')
		add_number(shell.status);
	else if (*s == '$')
		add_number(getpid());
	else if (isdigit((unsigned char)*s))
		add_string(*s - '0' < shell.argc ? shell.argv[*s - '0'] : NULL);
	if (*s == '?' || *s == '$' || isdigit((unsigned char)*s))
		return 1;
	while (isalnum((unsigned char)s[len]) || s[len] == '_')
		len++;
	if (len == 0)
		add_char('$');
	snprintf(name, sizeof name, "%.*s", len, s);
	add_string(getenv(name));
	return len;
}

char *expand(const struct token *t)
{
	size_t start = words_used;
	char quote = '\0';

	for (const char *s = t->start; s < t->start + t->len; s++) {
		if (*s == quote)
			quote = '\0';
		else if (quote == '\0' && (*s == '\'' || *s == '"'))
			quote = *s;
		else if (*s == '$' && quote != '\'')
			s += add_variable(s + 1);
		else if (*s == '\\' && quote != '\'')
			add_char(*++s);
		else
			add_char(*s);
	}
	add_char('\0');
	return words_used == sizeof words ? NULL : words + start;
}

void forget_words(void)
{
	words_used = 0;
}
