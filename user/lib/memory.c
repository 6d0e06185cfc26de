/* SPDX-License-Identifier: MIT */
/*
 * memory.c - the calls of sys/mman.h.
 */
#include <sys/mman.h>

#include <stdarg.h>
#include <sys/syscall.h>
#include <unistd.h>

void *mmap(void *hint, size_t len, int prot, int flags, int fd, off_t offset)
{
	return (void *)syscall(SYS_mmap, hint, len, prot, flags, fd, offset);
}

int munmap(void *start, size_t len)
{
	return (int)syscall(SYS_munmap, start, len);
}

int mprotect(void *start, size_t len, int prot)
{
	return (int)syscall(SYS_mprotect, start, len, prot);
}

int madvise(void *start, size_t len, int advice)
{
	return (int)syscall(SYS_madvise, start, len, advice);
}

int msync(void *start, size_t len, int flags)
{
	return (int)syscall(SYS_msync, start, len, flags);
}

/* The argument for the new place is read only with a flag that asks for it. */
void *mremap(void *start, size_t old_len, size_t new_len, int flags, ...)
{
	va_list args;
	void *place;

	va_start(args, flags);
	place = va_arg(args, void *);
	va_end(args);
	return (
	    void *)syscall(SYS_mremap, start, old_len, new_len, flags, place);
}
