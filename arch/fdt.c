/* SPDX-License-Identifier: MIT */
/*
 * fdt.c - reading a flattened device tree.
 *
 * The tree is a header, a list of reserved memory, a block of structure and a
 * block of strings. The structure is a sequence of words: a token, and what
 * belongs to it. Places in it are offsets from the start of the tree, so that
 * an offset compared with the block's end is all that a check takes.
 *
 * Ref: Devicetree Specification, "Flattened Devicetree (DTB) Format".
 */
#include "fdt.h"

#include "lib/assert.h"
#include "lib/print.h"
#include "lib/string.h"

#define FDT_MAGIC   0xd00dfeed
#define FDT_VERSION 17
enum { FDT_BEGIN = 1, FDT_END = 2, FDT_PROP = 3, FDT_NOP = 4 };
#define MAX_DEPTH 12

/* The words of the header. */
enum {
	H_MAGIC,
	H_SIZE,
	H_STRUCT,
	H_STRINGS,
	H_RESERVED,
	H_VERSION,
	H_COMPATIBLE,
	H_BOOT_HART,
	H_STRINGS_SIZE,
	H_STRUCT_SIZE,
	H_WORDS
};

static struct {
	const uint8_t *base;
	uint32_t size;
	uint32_t structure, structure_end;
	uint32_t strings, strings_end;
	uint32_t reserved;
} tree;

static struct fdt_node nodes[MAX_DEPTH]; /* from the root to the current one */

static uint32_t be32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
	    (uint32_t)b[2] << 8 | b[3];
}

static uint32_t word_at(uint32_t at)
{
	return be32(tree.base + at);
}

/* At most two cells. */
static uint64_t cells(const uint8_t *data, uint32_t count)
{
	uint64_t value = 0;

	for (uint32_t i = 0; i < count; i++)
		value = value << 32 | be32(data + 4 * i);
	return value;
}

void fdt_reject(const struct fdt_node *node, const char *fmt, ...)
{
	char path[64] = "", what[120];
	size_t len = 0;
	va_list args;

	for (const struct fdt_node *n = nodes; node != NULL && n++ < node;)
		if (len < sizeof path)
			len += str_format(path + len, sizeof path - len, "/%s",
			    n->name);
	va_start(args, fmt);
	(void)str_vformat(what, sizeof what, fmt, args);
	va_end(args);
	panic("device tree, node %s: %s", len > 0 ? path : "/", what);
}

/* ---- The header ---- */

/* A block of the tree; its end, or a panic if it is not inside. */
static uint32_t block_end(uint32_t start, uint32_t size, const char *name)
{
	if (start > tree.size || size > tree.size - start)
		panic("device tree: its %s, %u bytes at %u, is outside", name,
		    size, start);
	return start + size;
}

struct region fdt_open(paddr_t fdt)
{
	uint32_t word[H_WORDS];

	if (fdt == 0 || fdt > DIRECT_MAP_SIZE - sizeof word)
		panic("expected a device tree in a1 at boot, found %lx", fdt);
	tree.base = phys_to_virt(fdt);
	for (uint32_t i = 0; i < H_WORDS; i++)
		word[i] = word_at(4 * i);
	if (word[H_MAGIC] != FDT_MAGIC)
		panic("expected a device tree in a1 at boot, found %x at %lx",
		    word[H_MAGIC], fdt);
	if (word[H_VERSION] < FDT_VERSION || word[H_COMPATIBLE] > FDT_VERSION)
		panic("expected a device tree of version %d, found %u",
		    FDT_VERSION, word[H_VERSION]);
	tree.size = word[H_SIZE];
	if (tree.size < sizeof word || tree.size > DIRECT_MAP_SIZE - fdt)
		panic("device tree: it cannot have %u bytes", tree.size);
	tree.structure = word[H_STRUCT];
	tree.structure_end =
	    block_end(word[H_STRUCT], word[H_STRUCT_SIZE], "structure");
	tree.strings = word[H_STRINGS];
	tree.strings_end =
	    block_end(word[H_STRINGS], word[H_STRINGS_SIZE], "strings");
	tree.reserved = word[H_RESERVED];
	return (struct region){fdt, fdt + tree.size};
}

void fdt_reservations(void (*reserve)(struct region region))
{
	for (uint32_t at = tree.reserved;; at += 16) {
		uint64_t start, size;

		(void)block_end(at, 16, "list of reservations");
		start = cells(tree.base + at, 2);
		size = cells(tree.base + at + 8, 2);
		if (start == 0 && size == 0)
			return;
		if (size > UINT64_MAX - start)
			panic("device tree: %lx bytes reserved at %lx", size,
			    start);
		reserve((struct region){start, start + size});
	}
}

/* ---- The structure ---- */

/* A string of the block that ends at `end`; NULL if it does not end there. */
static const char *string_at(uint32_t at, uint32_t end)
{
	for (uint32_t i = at; i < end; i++)
		if (tree.base[i] == '\0')
			return (const char *)tree.base + at;
	return NULL;
}

/* Goes over `len` bytes, and what pads them to words. */
static uint32_t skip(const struct fdt_node *node, uint32_t at, uint32_t len)
{
	uint64_t padded = ((uint64_t)len + 3) & ~3UL;

	if (padded > tree.structure_end - at)
		fdt_reject(node, "the tree ends in the middle of it");
	return at + (uint32_t)padded;
}

static uint32_t skip_prop(const struct fdt_node *node, uint32_t at)
{
	uint32_t value = skip(node, at, 8);
	uint32_t name = word_at(at + 4);

	if (name >= tree.strings_end - tree.strings ||
	    string_at(tree.strings + name, tree.strings_end) == NULL)
		fdt_reject(node, "a property without a name");
	return skip(node, value, word_at(at));
}

/* All properties have been read: before the first child, or at the end. */
static void visit_once(struct fdt_node *node, uint32_t at,
    void (*visit)(const struct fdt_node *))
{
	if (node->visited)
		return;
	node->visited = true;
	node->props_end = at;
	node->address_cells = (uint32_t)fdt_number(node, "#address-cells", 2);
	node->size_cells = (uint32_t)fdt_number(node, "#size-cells", 1);
	visit(node);
}

static uint32_t begin_node(struct fdt_node *node, uint32_t at)
{
	const char *name = string_at(at, tree.structure_end);

	*node = (struct fdt_node){.parent = node > nodes ? node - 1 : NULL,
	    .name = ""};
	if (name == NULL)
		fdt_reject(node, "its name does not end");
	node->name = name;
	at = skip(node, at, (uint32_t)strlen(name) + 1);
	node->props = at;
	return at;
}

void fdt_walk(void (*visit)(const struct fdt_node *node))
{
	int depth = -1; /* before the root */
	uint32_t at = tree.structure;

	for (;;) {
		struct fdt_node *node = depth >= 0 ? &nodes[depth] : NULL;
		uint32_t token, here = at;

		at = skip(node, at, 4);
		token = word_at(here);
		if (token == FDT_NOP)
			continue;
		if (token == FDT_BEGIN) {
			if (node != NULL)
				visit_once(node, here, visit);
			if (++depth == MAX_DEPTH)
				fdt_reject(node, "more than %d levels",
				    MAX_DEPTH);
			at = begin_node(&nodes[depth], at);
		} else if (node == NULL) {
			fdt_reject(NULL, "expected it first, found token %x",
			    token);
		} else if (token == FDT_PROP && !node->visited) {
			at = skip_prop(node, at);
		} else if (token == FDT_END) {
			visit_once(node, here, visit);
			if (--depth < 0)
				return;
		} else {
			fdt_reject(node, "found token %x", token);
		}
	}
}

/* ---- Properties ---- */

bool fdt_prop(const struct fdt_node *node, const char *name,
    struct fdt_prop *prop)
{
	for (uint32_t at = node->props; at < node->props_end;) {
		uint32_t token = word_at(at);

		at += 4;
		if (token == FDT_NOP)
			continue;
		if (strcmp((const char *)tree.base + tree.strings +
			    word_at(at + 4),
			name) == 0) {
			prop->data = tree.base + at + 8;
			prop->len = word_at(at);
			return true;
		}
		at = skip_prop(node, at);
	}
	return false;
}

/* Of 4 or 8 bytes: QEMU has written the same property both ways. */
uint64_t fdt_number(const struct fdt_node *node, const char *name,
    uint64_t otherwise)
{
	struct fdt_prop p;

	if (!fdt_prop(node, name, &p))
		return otherwise;
	if (p.len != 4 && p.len != 8)
		fdt_reject(node, "%s is no number", name);
	return cells(p.data, p.len / 4);
}

bool fdt_cell(const struct fdt_node *node, const char *name, uint32_t i,
    uint32_t *cell)
{
	struct fdt_prop p;

	if (!fdt_prop(node, name, &p))
		return false;
	if (p.len % 4 != 0)
		fdt_reject(node, "%s has %u bytes, not a multiple of 4", name,
		    p.len);
	if (i >= p.len / 4)
		return false;
	*cell = be32(p.data + 4 * i);
	return true;
}

const char *fdt_string(const struct fdt_node *node, const char *name)
{
	struct fdt_prop p;

	if (!fdt_prop(node, name, &p))
		return NULL;
	if (p.len == 0 || p.data[p.len - 1] != '\0')
		fdt_reject(node, "%s is no string", name);
	return (const char *)p.data;
}

bool fdt_has(const struct fdt_node *node, const char *name, const char *word)
{
	size_t want = strlen(word) + 1;
	struct fdt_prop p;

	if (!fdt_prop(node, name, &p))
		return false;
	for (uint32_t at = 0; at < p.len; at++)
		if ((at == 0 || p.data[at - 1] == '\0') && p.len - at >= want &&
		    memcmp(p.data + at, word, want) == 0)
			return true;
	return false;
}

bool fdt_region(const struct fdt_node *node, uint32_t i, struct region *region)
{
	uint32_t ac, sc, bytes;
	uint64_t start, size;
	struct fdt_prop reg;

	if (node->parent == NULL || !fdt_prop(node, "reg", &reg))
		return false;
	ac = node->parent->address_cells;
	sc = node->parent->size_cells;
	if (ac < 1 || ac > 2 || sc > 2)
		fdt_reject(node, "its address has %u cells, its size %u", ac,
		    sc);
	bytes = (ac + sc) * 4;
	if (reg.len % bytes != 0)
		fdt_reject(node, "reg has %u bytes, not a multiple of %u",
		    reg.len, bytes);
	if (i >= reg.len / bytes)
		return false;
	start = cells(reg.data + i * bytes, ac);
	size = cells(reg.data + i * bytes + ac * 4, sc);
	if (size > UINT64_MAX - start)
		fdt_reject(node, "%lx bytes at %lx go beyond the last address",
		    size, start);
	*region = (struct region){start, start + size};
	return true;
}
