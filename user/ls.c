/* SPDX-License-Identifier: MIT */
/*
 * ls [-l] [PATH...] - list folders, sorted; with -l kind, size and target too.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <program.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const char program_help[] =
    "NAME\n"
    "    ls - list folders\n"
    "\n"
    "SYNOPSIS\n"
    "    ls [-l] [PATH...]\n"
    "\n"
    "DESCRIPTION\n"
    "    Lists the names in each folder, sorted; without a PATH, in the\n"
    "    working directory. A PATH that is no folder is printed as it is.\n"
    "\n"
    "OPTIONS\n"
    "    -l  with kind, size and target\n"
    "\n"
    "EXIT STATUS\n"
    "    1 if a folder could not be read, else 0.\n";

struct names {
	char **name;
	size_t count;
	size_t room;
};

static bool long_form;

static char kind_letter(mode_t mode)
{
	if (S_ISDIR(mode))
		return 'd';
	if (S_ISCHR(mode))
		return 'c';
	if (S_ISLNK(mode))
		return 'l';
	return S_ISREG(mode) ? '-' : '?';
}

static void print_long(const char *path, const char *name)
{
	char target[256];
	char modes[] = "rwxrwxrwx";
	struct stat st;
	ssize_t len = 0;

	if (lstat(path, &st) < 0) {
		perror(path);
		return;
	}
	for (int bit = 0; bit < 9; bit++)
		if ((st.st_mode & (0400u >> bit)) == 0)
			modes[bit] = '-';
	if (S_ISLNK(st.st_mode))
		len = readlink(path, target, sizeof target);
	printf("%c%s %9ld %s%s%.*s\n", kind_letter(st.st_mode), modes,
	    st.st_size, name, len > 0 ? " -> " : "", len > 0 ? (int)len : 0,
	    target);
}

static void print_entry(const char *dir, const char *name)
{
	char path[PATH_MAX];

	if (!long_form) {
		puts(name);
		return;
	}
	snprintf(path, sizeof path, "%s/%s", dir, name);
	print_long(path, name);
}

static int add_name(struct names *names, const char *name)
{
	char **larger;

	if (names->count == names->room) {
		names->room = names->room == 0 ? 32 : 2 * names->room;
		larger =
		    realloc(names->name, names->room * sizeof names->name[0]);
		if (larger == NULL)
			return -1;
		names->name = larger;
	}
	names->name[names->count] = strdup(name);
	return names->name[names->count++] == NULL ? -1 : 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(const char *path)
{
	struct names names = {.count = 0};
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (dir == NULL) {
		perror(path);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (add_name(&names, entry->d_name) < 0) {
			perror("ls");
			return 1;
		}
	}
	closedir(dir);
	qsort(names.name, names.count, sizeof names.name[0], by_name);
	for (size_t i = 0; i < names.count; i++)
		print_entry(path, names.name[i]);
	return 0;
}

static int list_or_print(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0) {
		perror(path);
		return 1;
	}
	if (S_ISDIR(st.st_mode))
		return list(path);
	if (long_form)
		print_long(path, path);
	else
		puts(path);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;
	int i = 1;

	if (i < argc && strcmp(argv[i], "-l") == 0) {
		long_form = true;
		i++;
	}
	if (i == argc)
		return list(".");
	for (; i < argc; i++)
		failed |= list_or_print(argv[i]);
	return failed;
}
