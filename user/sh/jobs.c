/* SPDX-License-Identifier: MIT */
/*
 * jobs.c - the pipelines that were started, and what became of them.
 */
#include "sh.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct job jobs[JOBS_MAX];

int job_number(const struct job *job)
{
	return (int)(job - jobs) + 1;
}

struct job *job_alloc(int first, int end)
{
	struct job *job = jobs;
	const char *text = tokens[first].start;
	const char *last = tokens[end - 1].start + tokens[end - 1].len;

	while (job < jobs + JOBS_MAX && job->pgid != 0)
		job++;
	if (job == jobs + JOBS_MAX)
		return NULL;
	*job = (struct job){.pgid = 0};
	snprintf(job->text, sizeof job->text, "%.*s", (int)(last - text), text);
	return job;
}

struct job *job_find(const char *word)
{
	int number = word == NULL ? 0 : atoi(word + (*word == '%'));

	if (number > 0 && number <= JOBS_MAX && jobs[number - 1].pgid != 0)
		return &jobs[number - 1];
	for (number = JOBS_MAX; word == NULL && number > 0; number--)
		if (jobs[number - 1].pgid != 0)
			return &jobs[number - 1];
	return NULL;
}

void job_note(pid_t pid, int status)
{
	for (struct job *job = jobs; job < jobs + JOBS_MAX; job++) {
		for (int i = 0; job->pgid != 0 && i < job->stages; i++) {
			if (job->pid[i] != pid)
				continue;
			job->stopped = WIFSTOPPED(status);
			if (i == job->stages - 1)
				job->status = status;
			if (job->stopped)
				return;
			job->pid[i] = 0;
			job->live--;
			return;
		}
	}
}

static const char *job_state(const struct job *job)
{
	if (job->stopped)
		return "Stopped";
	if (job->live > 0)
		return "Running";
	if (WIFSIGNALED(job->status))
		return strsignal(WTERMSIG(job->status));
	return WEXITSTATUS(job->status) == 0 ? "Done" : "Failed";
}

void job_print(const struct job *job)
{
	printf("[%d] %-20s %s\n", job_number(job), job_state(job), job->text);
}

void jobs_poll(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0)
		job_note(pid, status);
	for (struct job *job = jobs; job < jobs + JOBS_MAX; job++) {
		if (job->pgid == 0 || job->live > 0)
			continue;
		if (shell.interactive)
			job_print(job);
		job->pgid = 0;
	}
}

void set_foreground(pid_t pgid)
{
	if (shell.job_control)
		tcsetpgrp(STDIN_FILENO, pgid);
}

static void report_death(int sig)
{
	if (sig == SIGINT)
		putchar('\n');
	else if (sig != SIGPIPE)
		fprintf(stderr, "%s\n", strsignal(sig));
}

void job_wait(struct job *job)
{
	int status;
	pid_t pid;

	job->background = false;
	while (job->live > 0 && !job->stopped) {
		pid = waitpid(-1, &status, WUNTRACED);
		if (pid > 0)
			job_note(pid, status);
		else if (errno != EINTR)
			break;
	}
	set_foreground(getpgrp());
	if (job->stopped) {
		printf("\n");
		job_print(job);
		shell.status = 128 + SIGTSTP;
		return;
	}
	shell.status = WEXITSTATUS(job->status);
	if (WIFSIGNALED(job->status)) {
		shell.status = 128 + WTERMSIG(job->status);
		report_death(WTERMSIG(job->status));
	}
	job->pgid = 0;
}

void jobs_print(void)
{
	for (struct job *job = jobs; job < jobs + JOBS_MAX; job++)
		if (job->pgid != 0)
			job_print(job);
}

void jobs_forget(void)
{
	memset(jobs, 0, sizeof jobs);
}
