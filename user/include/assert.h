/* SPDX-License-Identifier: MIT */
/*
 * assert.h - a claim that stops the program when it is false.
 *
 * There is no include guard, because NDEBUG may change between inclusions.
 */
#undef assert

_Noreturn void assert_failed(const char *claim, const char *file, int line,
    const char *function);

#ifdef NDEBUG
#define assert(claim) ((void)0)
#else
#define assert(claim)      \
	((claim) ? (void)0 \
		 : assert_failed(#claim, __FILE__, __LINE__, __func__))
#endif

#undef static_assert
#define static_assert _Static_assert
