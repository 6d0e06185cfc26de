/* SPDX-License-Identifier: MIT */
/*
 * elf.c - reading the kernel. The file may be damaged: every offset in it is
 * checked.
 */
#include "elf.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report.h"

#define RAW_LOAD_ADDRESS 0x80200000UL

struct symbol {
	uint64_t value;
	const char *name;
};

static uint8_t *file;
static uint64_t file_size;
static struct symbol *symbols; /* sorted */
static unsigned symbol_count;

uint8_t *file_read(const char *path, uint64_t *size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *bytes = NULL;
	struct stat info;
	long len = -1;

	if (f != NULL && fstat(fileno(f), &info) == 0 && S_ISDIR(info.st_mode))
		errno = EISDIR;
	else if (f != NULL && fseek(f, 0, SEEK_END) == 0)
		len = ftell(f);
	if (len >= 0 && fseek(f, 0, SEEK_SET) == 0)
		bytes = malloc((size_t)len + 1);
	if (bytes == NULL || fread(bytes, 1, (size_t)len, f) != (size_t)len)
		report_usage("%s: %s", path,
		    errno != 0 ? strerror(errno) : "cannot be read");
	bytes[len] = '\0';
	*size = (uint64_t)len;
	(void)fclose(f);
	return bytes;
}

/*
 * `count` things of `each` bytes at `offset` of the file, or NULL: they are not
 * in it, or not where their words can be read.
 */
static void *part(uint64_t offset, uint64_t count, uint64_t each)
{
	if (each % 8 == 0 && offset % 8 != 0)
		return NULL;
	if (each != 0 && count > file_size / each)
		return NULL;
	if (offset > file_size || count * each > file_size - offset)
		return NULL;
	return file + offset;
}

static int by_value(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->value < y->value ? -1 : x->value > y->value;
}

static void symbols_of(const Elf64_Shdr *table, const Elf64_Shdr *names)
{
	uint64_t count = table->sh_size / sizeof(Elf64_Sym);
	const Elf64_Sym *syms = part(table->sh_offset, count, sizeof *syms);
	const char *strings = part(names->sh_offset, names->sh_size, 1);

	if (syms == NULL || strings == NULL || names->sh_size == 0 ||
	    strings[names->sh_size - 1] != '\0')
		return;
	symbols = calloc(count + 1, sizeof *symbols);
	for (uint64_t i = 0; symbols != NULL && i < count; i++) {
		unsigned type = ELF64_ST_TYPE(syms[i].st_info);

		if (syms[i].st_name >= names->sh_size ||
		    strings[syms[i].st_name] == '\0' ||
		    strings[syms[i].st_name] == '$' ||
		    strings[syms[i].st_name] == '.' || type > STT_FUNC)
			continue;
		symbols[symbol_count++] = (struct symbol){syms[i].st_value,
		    strings + syms[i].st_name};
	}
	qsort(symbols, symbol_count, sizeof *symbols, by_value);
}

/* A file has one symbol table; where there are more, the first is read. */
static void symbols_read(const Elf64_Ehdr *e)
{
	const Elf64_Shdr *s = part(e->e_shoff, e->e_shnum, sizeof *s);

	for (unsigned i = 0; s != NULL && i < e->e_shnum; i++)
		if (s[i].sh_type == SHT_SYMTAB && s[i].sh_link < e->e_shnum) {
			symbols_of(&s[i], &s[s[i].sh_link]);
			return;
		}
}

static void load_segment(const char *path, const Elf64_Phdr *p)
{
	const void *bytes = part(p->p_offset, p->p_filesz, 1);

	if (bytes == NULL || p->p_filesz > p->p_memsz)
		report_usage("%s: a segment lies outside the file", path);
	if (!is_ram(p->p_paddr, p->p_memsz))
		report_usage("%s: a segment of %lu bytes at %#lx is not in "
			     "memory",
		    path, p->p_memsz, p->p_paddr);
	memcpy(ram_at(p->p_paddr), bytes, p->p_filesz);
	memset((char *)ram_at(p->p_paddr) + p->p_filesz, 0,
	    p->p_memsz - p->p_filesz);
}

static uint64_t load_raw(const char *path, uint64_t *end)
{
	if (file_size == 0 || !is_ram(RAW_LOAD_ADDRESS, file_size))
		report_usage("%s: %lu bytes do not fit into memory", path,
		    file_size);
	memcpy(ram_at(RAW_LOAD_ADDRESS), file, file_size);
	*end = RAW_LOAD_ADDRESS + file_size;
	return RAW_LOAD_ADDRESS;
}

uint64_t elf_load(const char *path, uint64_t *end)
{
	const Elf64_Ehdr *e;
	const Elf64_Phdr *p;
	uint64_t start = ~0UL;

	file = file_read(path, &file_size);
	e = part(0, 1, sizeof *e);
	if (e == NULL || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0)
		return load_raw(path, end);
	if (e->e_ident[EI_CLASS] != ELFCLASS64 || e->e_machine != EM_RISCV)
		report_usage("%s: is not for 64-bit RISC-V", path);
	p = part(e->e_phoff, e->e_phnum, sizeof *p);
	if (p == NULL)
		report_usage("%s: its program headers lie outside it", path);
	*end = 0;
	for (unsigned i = 0; i < e->e_phnum; i++) {
		if (p[i].p_type != PT_LOAD || p[i].p_memsz == 0)
			continue;
		load_segment(path, &p[i]);
		start = p[i].p_paddr < start ? p[i].p_paddr : start;
		if (p[i].p_paddr + p[i].p_memsz > *end)
			*end = p[i].p_paddr + p[i].p_memsz;
	}
	if (start == ~0UL)
		report_usage("%s: there is nothing to load", path);
	symbols_read(e);
	return start;
}

uint64_t symbol_value(const char *name)
{
	for (unsigned i = 0; i < symbol_count; i++)
		if (strcmp(symbols[i].name, name) == 0)
			return symbols[i].value;
	return 0;
}

const char *symbol_at(uint64_t address, uint64_t *offset)
{
	unsigned low = 0, high = symbol_count;

	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (symbols[middle].value <= address)
			low = middle + 1;
		else
			high = middle;
	}
	/*
	 * An address far from all symbols has no name, such as one of a
	 * process.
	 */
	if (low == 0 || address - symbols[low - 1].value > 1 << 20)
		return NULL;
	*offset = address - symbols[low - 1].value;
	return symbols[low - 1].name;
}
