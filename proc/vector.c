/* SPDX-License-Identifier: MIT */
/* vector.c - the pieces of memory that readv and writev are given. */
#include "proc/vector.h"

#include "mm/frame.h"

struct vector *vector_alloc(void)
{
	struct frame *frame = frame_alloc(FRAME_KERNEL);
	struct vector *v;

	if (frame == NULL)
		return NULL;
	v = frame_virt(frame);
	*v = (struct vector){.pages = {(void *)v}};
	return v;
}

void vector_free(struct vector *v)
{
	if (v->gathered != NULL)
		frame_put(frame_of_virt(v->gathered));
	for (unsigned i = array_len(v->pages); i-- > 0;)
		if (v->pages[i] != NULL)
			frame_put(frame_of_virt(v->pages[i]));
}

const struct piece *vector_find(const struct vector *v, uint64_t i)
{
	uint32_t low = 0, high = v->count - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (i < vector_piece(v, middle)->end)
			high = middle;
		else
			low = middle + 1;
	}
	return vector_piece(v, low);
}
