/* SPDX-License-Identifier: MIT */
/*
 * path.c - see path.h.
 *
 * A link within a path is a text that is walked before the rest of the path.
 * The rests are kept in a small stack, as deep as the number of links that a
 * path may go through.
 */
#include "path.h"

#include "abi/errno.h"
#include "abi/limits.h"
#include "abi/stat.h"
#include "made.h"

#define MAX_LINKS 40

static const char *skip_slashes(const char *text)
{
	while (*text == '/')
		text++;
	return text;
}

/* Takes the next name and the slashes behind it off the path. */
static const char *take_name(struct walk *w, const char *path)
{
	size_t len;

	w->text = text_read(w->tree, path);
	len = w->text.len;
	w->slash = path[len] == '/';
	w->last = LAST_NAME;
	if (len == 1 && path[0] == '.')
		w->last = LAST_DOT;
	if (len == 2 && path[0] == '.' && path[1] == '.')
		w->last = LAST_DOTDOT;
	return skip_slashes(path + len);
}

int walk_look(const struct walk *w, struct node **node)
{
	const struct name *name;

	*node = w->at;
	if (w->last == LAST_DOTDOT)
		*node = w->at->folder.parent;
	if (w->last != LAST_NAME)
		return 0;
	if (node_is_dead(w->at))
		return -ENOENT;
	if (w->text.len > NAME_MAX)
		return -ENAMETOOLONG;
	if (w->at->made != 0)
		return made_look(w->tree, w->at, &w->text, w->slash, node);
	name = folder_find(w->at, &w->text);
	if (name == NULL)
		return -ENOENT;
	*node = name->node;
	return 0;
}

int walk_enter(struct walk *w, struct node *link, const char **path)
{
	int err = 1;

	if (w->links++ >= MAX_LINKS)
		return -ELOOP;
	node_accessed(w->tree, link);
	*path = "";
	if (link->made != 0)
		err = made_follow(w->tree, link, &w->at);
	if (err <= 0)
		return err;
	if (link->made != 0 && !made_lead(w->tree, link))
		return -ENOENT;
	if (link->target[0] == '/')
		w->at = w->tree->root;
	*path = skip_slashes(link->target);
	return 0;
}

int walk_to_last(struct walk *w, const char *path)
{
	const char *rests[MAX_LINKS];
	unsigned depth = 0;

	w->last = LAST_ROOT;
	w->slash = false;
	if (*path == '/')
		w->at = w->tree->root;
	path = skip_slashes(path);
	while (*path != '\0') {
		struct node *node;
		int err;

		path = take_name(w, path);
		if (*path == '\0' && depth == 0)
			return 0;
		if (*path == '\0')
			path = rests[--depth];
		err = walk_look(w, &node);
		if (err == 0 && node_is(node, S_IFLNK)) {
			const char *target;

			err = walk_enter(w, node, &target);
			if (err == 0 && *target != '\0') {
				rests[depth++] = path;
				path = target;
				continue;
			}
			node = w->at;
		}
		if (err < 0)
			return err;
		if (!node_is(node, S_IFDIR))
			return -ENOTDIR;
		w->at = node;
	}
	return 0;
}

int path_to_last(struct tree *t, struct where where, struct walk *w)
{
	*w = (struct walk){.tree = t, .at = where.from};
	if (where.path[0] == '\0')
		return -ENOENT;
	if (where.path[0] != '/' && !node_is(where.from, S_IFDIR))
		return -ENOTDIR;
	return walk_to_last(w, where.path);
}

int path_find(struct tree *t, struct where where, enum path_how how,
    struct node **node)
{
	bool follow = how & PATH_FOLLOW, must_be_folder = false;
	struct walk w;
	int err;

	if ((how & PATH_EMPTY) && where.path[0] == '\0') {
		*node = where.from;
		return 0;
	}
	err = path_to_last(t, where, &w);
	while (err == 0) {
		const char *path;

		must_be_folder |= w.slash;
		err = walk_look(&w, node);
		if (err < 0 || !node_is(*node, S_IFLNK) ||
		    !(follow || must_be_folder))
			break;
		err = walk_enter(&w, *node, &path);
		if (err < 0)
			break;
		*node = w.at;
		if (*path == '\0')
			break;
		err = walk_to_last(&w, path);
	}
	if (err == 0 && must_be_folder && !node_is(*node, S_IFDIR))
		return -ENOTDIR;
	return err;
}
