/* SPDX-License-Identifier: MIT */
/*
 * lent.c - the strings and bytes that come along with a request; see served.h.
 */
#include <string.h>

#include "served.h"

void lent_along(const struct lent *lent, struct request *request, char *in)
{
	size_t len = 0;

	for (int i = 0; i < LENT && lent->path[i] != NULL; i++) {
		(void)strcpy(in + len, lent->path[i]);
		len += strlen(lent->path[i]) + 1;
	}
	if (lent->path[0] == NULL && lent->in != NULL) {
		len = lent->in_len < COMES_ALONG ? lent->in_len : COMES_ALONG;
		memcpy(in, lent->in, len);
	}
	request->in_len = len;
}
