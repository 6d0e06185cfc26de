/* SPDX-License-Identifier: MIT */
/*
 * sh.h - the parts of the shell, and what they share.
 *
 * A line goes through three stages: lex() makes tokens of it, check_tokens()
 * refuses what the loops behind it could not follow, and the loops walk over
 * the tokens, expanding the words of a command just before it runs.
 */
#ifndef USER_SH_H
#define USER_SH_H

#include <stdbool.h>
#include <sys/types.h>

#define LINE_SIZE     2048
#define TOKENS_MAX    256
#define ARGS_MAX      64
#define REDIRECTS_MAX 8
#define STAGES_MAX    8
#define JOBS_MAX      16

struct shell {
	bool interactive; /* it talks to a terminal */
	bool job_control; /* it gives the terminal to groups of processes */
	int status;       /* $? */
	int argc;         /* $0 $1 ... */
	char **argv;
};

extern struct shell shell;

enum token_kind {
	TOKEN_WORD,
	TOKEN_REDIRECT, /* the word that follows is a file or a descriptor */
	TOKEN_PIPE,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_SEMICOLON,
	TOKEN_BACKGROUND,
	TOKEN_END,
};

struct token {
	enum token_kind kind;
	const char *start; /* in the line, quotes and all */
	int len;
	int fd;  /* of a redirect */
	char op; /* of a redirect: < > a (append) d (duplicate) */
};

struct redirect {
	int fd;
	char op;
	const char *target;
};

/* One process of a pipeline: a command, or a list in a shell of its own. */
struct stage {
	int argc;
	char *argv[ARGS_MAX];
	int redirects;
	struct redirect redirect[REDIRECTS_MAX];
	bool is_list;
	int first, end; /* tokens of the list */
};

struct job {
	pid_t pgid; /* 0: this place in the table is free */
	pid_t pid[STAGES_MAX];
	int stages;
	int live;
	bool background;
	bool stopped;
	int status; /* wait status of the last stage */
	char text[64];
};

__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

/* words.c: from a line to tokens, and from tokens to words */

/* The tokens of the line that is being run; the last is a TOKEN_END. */
extern struct token tokens[TOKENS_MAX];

/* Returns the number of tokens before the one that ends them, or -1. */
int lex(const char *line);
bool check_tokens(int count);

/* The first of tokens [first, end) of one of two kinds, or `end`. */
int find_token(int first, int end, enum token_kind a, enum token_kind b);

/* The word of a token, without its quotes, with its variables; or NULL. */
char *expand(const struct token *t);
void forget_words(void); /* those that expand() made */

/* jobs.c: what was started and has not been reported as ended */

/* A place for the job that tokens [first, end) describe, or NULL. */
struct job *job_alloc(int first, int end);
/* The job that `%2` names, job 2; without a name the last one. */
struct job *job_find(const char *word);
int job_number(const struct job *job);
void job_print(const struct job *job);
/* Notes that process `pid` has ended or stopped, by its wait status. */
void job_note(pid_t pid, int status);
/* Waits until the job in the foreground ends or stops; sets $? */
void job_wait(struct job *job);
void set_foreground(pid_t pgid);
void jobs_print(void);
/*
 * Looks, without waiting, which jobs have changed, and reports those that
 * ended.
 */
void jobs_poll(void);
void jobs_forget(void);

/* builtins.c: commands of the shell itself */

struct builtin {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *what;
};

/* The builtin that a stage names, or NULL. */
const struct builtin *find_builtin(const struct stage *stage);

/* Runs the builtin for the stage, or tells what it does; returns its status. */
int builtin_run(const struct builtin *builtin, const struct stage *stage);

/* pipeline.c: from words to processes */

void run_pipeline(int first, int end, bool background);
/* Starts the stages of a job, and waits unless it is in the background. */
void run_stages(struct job *job, const struct stage *stages, int count);

/* sh.c: lists of pipelines */

void run_and_or(int first, int end);

#endif
