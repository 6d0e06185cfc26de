/* SPDX-License-Identifier: MIT */
/*
 * usercopy.c - the kernel's own accesses to user memory.
 *
 * The kernel never dereferences a user address. Each page goes through the
 * door that a page fault goes through, with the same consequences, and is then
 * reached through the direct map.
 */
#include "abi/errno.h"
#include "arch/layout.h"
#include "lib/string.h"
#include "mm/aspace.h"

static size_t chunk(vaddr_t va, size_t len)
{
	return min_u64(len, PAGE_SIZE - (va & PAGE_MASK));
}

/* From user memory if it is to be read, or to it. */
INLINE int copy(struct aspace *as, vaddr_t va, char *kernel, size_t len,
    enum access access)
{
	while (len > 0) {
		size_t n = chunk(va, len);
		void *user;
		int err = user_page(as, va, access, &user);

		if (err < 0)
			return err;
		if (access == ACCESS_WRITE)
			memcpy(user, kernel, n);
		else
			memcpy(kernel, user, n);
		kernel += n;
		va += n;
		len -= n;
	}
	return 0;
}

int copyin(struct aspace *as, void *dst, vaddr_t src, size_t len)
{
	return copy(as, src, dst, len, ACCESS_READ);
}

int copyout(struct aspace *as, vaddr_t dst, const void *src, size_t len)
{
	return copy(as, dst, (char *)src, len, ACCESS_WRITE);
}

long user_ready(struct aspace *as, vaddr_t va, size_t len, enum access access)
{
	size_t done = 0;

	while (done < len) {
		void *kernel;
		int err = user_page(as, va + done, access, &kernel);

		if (err < 0)
			return done > 0 && !user_is_late() ? (long)done : err;
		done += chunk(va + done, len - done);
	}
	return (long)done;
}

int user_prepare(struct aspace *as, vaddr_t va, size_t len, enum access access)
{
	while (len > 0) {
		size_t n = chunk(va, len);
		void *kernel;
		int err = user_page(as, va, access, &kernel);

		if (err < 0)
			return err;
		va += n;
		len -= n;
	}
	return 0;
}

int user_touch(struct aspace *as, vaddr_t a, vaddr_t b, enum access access)
{
	void *kernel;
	int err = user_page(as, a, access, &kernel);

	if (err == 0)
		err = user_page(as, b, access, &kernel);
	return err == -ENOMEM ? err : 0;
}

int copyinstr(struct aspace *as, char *dst, vaddr_t src, size_t size)
{
	while (size > 0) {
		size_t n = chunk(src, size);
		void *kernel;
		const char *from;
		int err = user_page(as, src, ACCESS_READ, &kernel);

		if (err < 0)
			return err;
		from = kernel;
		/* Each byte is read once: others may write to it meanwhile. */
		for (size_t i = 0; i < n; i++) {
			char c = __atomic_load_n(&from[i], __ATOMIC_RELAXED);

			*dst++ = c;
			if (c == '\0')
				return 0;
		}
		src += n;
		size -= n;
	}
	return -ENAMETOOLONG;
}
