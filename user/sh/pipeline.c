/* SPDX-License-Identifier: MIT */
/*
 * pipeline.c - from the tokens of a pipeline to processes.
 */
#include "sh.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool open_redirect(const struct redirect *r)
{
	int flags = O_RDONLY;
	int fd;

	if (r->op == 'd')
		return dup2(atoi(r->target), r->fd) >= 0;
	if (r->op != '<')
		flags =
		    O_WRONLY | O_CREAT | (r->op == 'a' ? O_APPEND : O_TRUNC);
	fd = open(r->target, flags, 0666);
	if (fd < 0)
		return false;
	if (fd == r->fd)
		return true;
	dup2(fd, r->fd);
	close(fd);
	return true;
}

static void move_fd(int fd, int new_fd)
{
	if (fd == new_fd)
		return;
	dup2(fd, new_fd);
	close(fd);
}

/* In the child: becomes the stage, with its descriptors in place. */
static void become(const struct stage *stage)
{
	const struct builtin *builtin = find_builtin(stage);

	for (int i = 0; i < stage->redirects; i++) {
		if (open_redirect(&stage->redirect[i]))
			continue;
		complain("%s: %s", stage->redirect[i].target, strerror(errno));
		_exit(1);
	}
	if (stage->is_list) {
		run_and_or(stage->first, stage->end);
		_exit(shell.status);
	}
	if (builtin != NULL)
		_exit(builtin_run(builtin, stage));
	if (stage->argc == 0)
		_exit(0);
	execvp(stage->argv[0], stage->argv);
	complain("%s: %s", stage->argv[0],
	    errno == ENOENT ? "no such program" : strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

/* Parent and child both call this, as either may be the first to need it. */
static void join_group(const struct job *job, pid_t pid)
{
	pid_t pgid = job->pgid != 0 ? job->pgid : pid;

	if (!shell.job_control)
		return;
	setpgid(pid, pgid);
	if (!job->background)
		set_foreground(pgid);
}

/* In the child: stops being the shell that the user talks to. */
static void leave_shell(const struct job *job)
{
	static const int handled[] = {SIGINT, SIGQUIT, SIGTSTP, SIGTTIN,
	    SIGTTOU};

	join_group(job, getpid());
	for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++)
		if (shell.interactive)
			signal(handled[i], SIG_DFL);
	shell.interactive = false;
	shell.job_control = false;
	jobs_forget();
}

/*
 * Starts a stage that reads from `in`, and writes to a new pipe unless it is
 * the last. Returns the descriptor the next stage reads from, or -1.
 */
static int start_stage(struct job *job, const struct stage *stage, int in,
    bool is_last)
{
	int fds[2] = {-1, STDOUT_FILENO};
	pid_t pid = -1;

	if (is_last || pipe2(fds, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0) {
		leave_shell(job);
		move_fd(in, STDIN_FILENO);
		move_fd(fds[1], STDOUT_FILENO);
		become(stage);
	}
	if (pid < 0)
		complain("%s: %s", job->text, strerror(errno));
	if (in != STDIN_FILENO)
		close(in);
	if (!is_last && fds[1] != STDOUT_FILENO)
		close(fds[1]);
	if (pid < 0) {
		if (fds[0] >= 0)
			close(fds[0]);
		return -1;
	}
	join_group(job, pid);
	if (job->pgid == 0)
		job->pgid = pid;
	job->pid[job->stages++] = pid;
	job->live++;
	return is_last ? STDIN_FILENO : fds[0];
}

void run_stages(struct job *job, const struct stage *stages, int count)
{
	int in = STDIN_FILENO;

	for (int i = 0; i < count && in >= 0; i++)
		in = start_stage(job, &stages[i], in, i == count - 1);
	if (in < 0)
		shell.status = 1;
	if (job->pgid == 0)
		return;
	if (job->background) {
		if (shell.interactive)
			printf("[%d] %d\n", job_number(job), job->pgid);
		shell.status = 0;
		return;
	}
	job_wait(job);
	if (in < 0)
		shell.status = 1;
}

/* Fills in a stage; returns the token after it, or -1 if there is too much. */
static int read_stage(struct stage *stage, int i, int end)
{
	struct redirect *r;
	char *word;

	*stage = (struct stage){.argc = 0};
	for (; i < end && tokens[i].kind != TOKEN_PIPE; i++) {
		r = NULL;
		if (tokens[i].kind == TOKEN_REDIRECT) {
			if (stage->redirects == REDIRECTS_MAX)
				return -1;
			r = &stage->redirect[stage->redirects++];
			*r = (struct redirect){tokens[i].fd, tokens[i].op, ""};
			i++;
		}
		word = expand(&tokens[i]);
		if (word == NULL || stage->argc == ARGS_MAX - 1)
			return -1;
		if (r != NULL)
			r->target = word;
		/* A variable that is not set is no word, not an empty one. */
		else if (*word != '\0' || *tokens[i].start != '$')
			stage->argv[stage->argc++] = word;
	}
	return i < end ? i + 1 : end;
}

/*
 * A builtin can run in the shell itself only if it is alone, without a
 * redirect.
 */
static bool run_builtin(const struct stage *stage)
{
	const struct builtin *builtin = find_builtin(stage);

	if (builtin == NULL || stage->redirects > 0)
		return false;
	shell.status = builtin_run(builtin, stage);
	return true;
}

void run_pipeline(int first, int end, bool background)
{
	static struct stage stages[STAGES_MAX];
	struct job *job;
	int count = 0;
	int i = first;

	forget_words();
	while (i >= 0 && i < end && count < STAGES_MAX)
		i = read_stage(&stages[count++], i, end);
	if (i != end) {
		complain("too many words or commands");
		shell.status = 2;
		return;
	}
	if (count == 1 && !background && run_builtin(&stages[0]))
		return;
	job = job_alloc(first, end);
	if (job == NULL) {
		complain("too many jobs");
		shell.status = 1;
		return;
	}
	job->background = background;
	run_stages(job, stages, count);
}
