/* SPDX-License-Identifier: MIT */
/*
 * fdt.h - the flattened device tree, node by node.
 *
 * A tree comes from the firmware and is not trusted: whatever is wrong with it
 * ends in a panic that names the node, and nothing outside of it is read.
 */
#ifndef ARCH_FDT_H
#define ARCH_FDT_H

#include "arch/machine.h"
#include "lib/compiler.h"
#include "lib/types.h"

struct fdt_node {
	const struct fdt_node *parent; /* NULL for the root */
	const char *name;
	uint32_t props, props_end;          /* where its properties are */
	uint32_t address_cells, size_cells; /* of its children's reg */
	bool visited;
};

struct fdt_prop {
	const uint8_t *data;
	uint32_t len;
};

/* Reads the header of the tree at `fdt`; returns where all of it lies. */
struct region fdt_open(paddr_t fdt);

/* Visits each node after its properties were read, before its children. */
void fdt_walk(void (*visit)(const struct fdt_node *node));

/* Calls `reserve` for each region of the header's list of reservations. */
void fdt_reservations(void (*reserve)(struct region region));

/* Panics: `node` is wrong in the way that the rest says. */
NORETURN void fdt_reject(const struct fdt_node *node, const char *fmt, ...)
    PRINTF(2, 3);

/* Properties of a node. What is there, but not of that kind, is rejected. */
bool fdt_prop(const struct fdt_node *node, const char *name,
    struct fdt_prop *prop);
uint64_t fdt_number(const struct fdt_node *node, const char *name,
    uint64_t otherwise);
const char *fdt_string(const struct fdt_node *node, const char *name);

/* The i-th number of a list of 4 bytes each; false if there are not so many. */
bool fdt_cell(const struct fdt_node *node, const char *name, uint32_t i,
    uint32_t *cell);

/* Is the property a list of strings with `word` among them? */
bool fdt_has(const struct fdt_node *node, const char *name, const char *word);

/* The i-th region of the node's reg, or false if there are not so many. */
bool fdt_region(const struct fdt_node *node, uint32_t i, struct region *region);

#endif
