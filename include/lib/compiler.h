/* SPDX-License-Identifier: MIT */
/*
 * compiler.h - the GNU extensions in use, each under a name.
 *
 * The capability macros are Clang's thread-safety annotations; `make check`
 * verifies them with Clang, and GCC ignores them.
 */
#ifndef LIB_COMPILER_H
#define LIB_COMPILER_H

#define MUST_USE          __attribute__((warn_unused_result))
#define NORETURN          __attribute__((noreturn))
#define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define ALIGNED(n)        __attribute__((aligned(n)))
/* Its result is given back by `release`, as argument number `n`. */
#if !defined(__clang__) && __GNUC__ >= 11
#define ALLOCATES(release, n) __attribute__((malloc(release, n)))
#else
#define ALLOCATES(release, n)
#endif
/* For a result that does not matter here; say why. */
#define IGNORE_RESULT(call) ((void)!(call))
#define INLINE              static inline __attribute__((always_inline))
#define NOINLINE            __attribute__((noinline))
#define FALLTHROUGH         __attribute__((fallthrough))
#define likely(x)           __builtin_expect(!!(x), 1)
#define unlikely(x)         __builtin_expect(!!(x), 0)

#define container_of(ptr, type, member) \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define array_len(a) (sizeof(a) / sizeof((a)[0]))

#ifdef __clang__
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif
#define CAPABILITY      TSA(capability("lock"))
#define GUARDED_BY(...) TSA(guarded_by(__VA_ARGS__))
#define REQUIRES(...)   TSA(requires_capability(__VA_ARGS__))
#define ACQUIRES(...)   TSA(acquire_capability(__VA_ARGS__))
#define RELEASES(...)   TSA(release_capability(__VA_ARGS__))
#define EXCLUDES(...)   TSA(locks_excluded(__VA_ARGS__))
#define NO_LOCK_CHECK   TSA(no_thread_safety_analysis)

#endif
