/* SPDX-License-Identifier: MIT */
/*
 * ubsan.c - what the compiler calls when it finds undefined behaviour, in a
 * kernel built with -fsanitize=undefined (`make test-ubsan`).
 *
 * GCC and Clang make equal calls, with equal layouts of the first arguments;
 * every description begins with a place in the source. A kernel with undefined
 * behaviour must not go on, so each call is a panic.
 */
#include "lib/assert.h"
#include "lib/types.h"

struct place {
	const char *file;
	uint32_t line;
	uint32_t column;
};

struct type {
	uint16_t kind;
	uint16_t info;
	char name[];
};

struct mismatch {
	struct place place;
	const struct type *type;
	uint8_t log_alignment;
	uint8_t access;
};

struct shift {
	struct place place;
	const struct type *left;
	const struct type *right;
};

NORETURN static void undefined(const struct place *at, const char *what)
{
	panic("undefined behaviour at %s:%u: %s", at->file, at->line, what);
}

#define HANDLER(name, what)                                               \
	NORETURN void __ubsan_handle_##name(const struct place *at, ...); \
	NORETURN void __ubsan_handle_##name(const struct place *at, ...)  \
	{                                                                 \
		undefined(at, what);                                      \
	}

HANDLER(add_overflow, "sum out of range")
HANDLER(sub_overflow, "difference out of range")
HANDLER(mul_overflow, "product out of range")
HANDLER(negate_overflow, "negation out of range")
HANDLER(divrem_overflow, "division by zero, or out of range")
HANDLER(out_of_bounds, "index out of bounds")
HANDLER(builtin_unreachable, "unreachable code was reached")
HANDLER(missing_return, "a function ended without its result")
HANDLER(vla_bound_not_positive, "array without a length")
HANDLER(load_invalid_value, "value not of its type")
HANDLER(nonnull_arg, "NULL for an argument that must not be")
HANDLER(invalid_builtin, "a builtin was called with 0")

/*
 * Called for a null pointer, a wrong alignment, or an object that is too small.
 */
NORETURN void __ubsan_handle_type_mismatch_v1(const struct mismatch *m,
    uint64_t pointer);
NORETURN void __ubsan_handle_type_mismatch_v1(const struct mismatch *m,
    uint64_t pointer)
{
	if (pointer == 0)
		undefined(&m->place, "access through NULL");
	if (pointer & ((1UL << m->log_alignment) - 1))
		undefined(&m->place, "misaligned access");
	undefined(&m->place, "access beyond an object");
}

NORETURN void __ubsan_handle_shift_out_of_bounds(const struct shift *s,
    uint64_t left, uint64_t right);
NORETURN void __ubsan_handle_shift_out_of_bounds(const struct shift *s,
    uint64_t left, uint64_t right)
{
	panic("undefined behaviour at %s:%u: %lx shifted by %ld", s->place.file,
	    s->place.line, left, (long)right);
}

NORETURN void __ubsan_handle_pointer_overflow(const struct place *at,
    uint64_t from, uint64_t to);
NORETURN void __ubsan_handle_pointer_overflow(const struct place *at,
    uint64_t from, uint64_t to)
{
	panic("undefined behaviour at %s:%u: pointer arithmetic, %lx to %lx",
	    at->file, at->line, from, to);
}
