/* SPDX-License-Identifier: MIT */
/*
 * frame.h - the real one, with hooks where mm/ counts and allocates.
 *
 * Counting is where harts meet, so a hook may run a part of another hart's work
 * there. It also checks that no frame is dropped while a TLB still has an entry
 * for it. All allocation sites are collected in a section, also those that no
 * test reaches.
 */
#ifndef HOST_MM_FRAME_H
#define HOST_MM_FRAME_H

#define frame_get       frame_get_plain
#define frame_drop      frame_drop_plain
#define frame_drop_page frame_drop_page_plain
#define frame_is_sole   frame_is_sole_plain
#define frame_put       frame_put_plain
#include_next "mm/frame.h"
#undef frame_get
#undef frame_drop
#undef frame_drop_page
#undef frame_is_sole
#undef frame_put

/* Another hart may do something here. */
void sim_hook(void);
/* A reference is about to be dropped, or has been added. */
void sim_hook_drop(const struct frame *f);
void sim_hook_get(const struct frame *f);
/*
 * True if frame_is_sole() shall say no, as if another hart dropped the last
 * other reference only afterwards.
 */
bool sim_hook_stale(const struct frame *f);

static inline void frame_get(struct frame *f)
{
	sim_hook();
	frame_get_plain(f);
	sim_hook_get(f);
}

static inline bool frame_drop(struct frame *f)
{
	sim_hook();
	sim_hook_drop(f);
	return frame_drop_plain(f);
}

static inline bool frame_drop_page(struct frame *f)
{
	sim_hook();
	sim_hook_drop(f);
	return frame_drop_page_plain(f);
}

static inline bool frame_is_sole(const struct frame *f)
{
	bool sole;

	sim_hook();
	sole = frame_is_sole_plain(f) && !sim_hook_stale(f);
	sim_hook();
	return sole;
}

static inline void frame_put(struct frame *f)
{
	if (frame_drop(f))
		frame_free(f);
}

struct alloc_site {
	const char *file;
	const char *function;
	unsigned line;
	unsigned calls;
	unsigned failures;
};

struct frame *sim_frame_alloc(enum frame_state state, struct alloc_site *site);
struct frame *sim_frame_alloc_zeroed(enum frame_state state,
    struct alloc_site *site);

/* frame.c defines the functions themselves. */
#ifndef HOST_DEFINES_FRAME_ALLOC
#define SIM_ALLOC_AT(function_, state)                                \
	({                                                            \
		static struct alloc_site site_                        \
		    __attribute__((section("alloc_sites"), used)) = { \
			.file = __FILE__,                             \
			.line = __LINE__,                             \
		    };                                                \
		site_.function = __func__;                            \
		function_(state, &site_);                             \
	})
#define frame_alloc(state)        SIM_ALLOC_AT(sim_frame_alloc, state)
#define frame_alloc_zeroed(state) SIM_ALLOC_AT(sim_frame_alloc_zeroed, state)
#endif

#endif
