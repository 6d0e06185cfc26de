/* SPDX-License-Identifier: MIT */
/*
 * random.c - random bytes: the ChaCha20 block function over a key from the
 * device tree's rng-seed, which is new at every boot, and the counters.
 *
 * The bytes are as unpredictable as that seed. The first output of each key is
 * the next key, and bytes are cleared when they are given out: so they cannot
 * be computed later from the memory of the kernel.
 *
 * Ref: RFC 8439, "ChaCha20 and Poly1305 for IETF Protocols", section 2.3.
 */
#include "proc/random.h"

#include "arch/lock.h"
#include "arch/machine.h"
#include "arch/timer.h"
#include "lib/string.h"

static struct lock random_lock;
static uint32_t state[16] GUARDED_BY(
    random_lock) = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};

static uint32_t rotate(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

static void quarter_round(uint32_t *a, uint32_t *b, uint32_t *c, uint32_t *d)
{
	*a += *b;
	*d = rotate(*d ^ *a, 16);
	*c += *d;
	*b = rotate(*b ^ *c, 12);
	*a += *b;
	*d = rotate(*d ^ *a, 8);
	*c += *d;
	*b = rotate(*b ^ *c, 7);
}

static void next_block(uint32_t out[16]) REQUIRES(random_lock)
{
	memcpy(out, state, sizeof state);
	for (int round = 0; round < 10; round++) {
		for (int i = 0; i < 4; i++)
			quarter_round(&out[i], &out[4 + i], &out[8 + i],
			    &out[12 + i]);
		for (int i = 0; i < 4; i++)
			quarter_round(&out[i], &out[4 + (i + 1) % 4],
			    &out[8 + (i + 2) % 4], &out[12 + (i + 3) % 4]);
	}
	for (int i = 0; i < 16; i++)
		out[i] += state[i];
	state[12]++;
}

#define POOL_BLOCKS 4
#define KEY_SIZE    32

/* Output: the `left` bytes at its end have not been given out yet. */
static uint32_t pool[POOL_BLOCKS][16] GUARDED_BY(random_lock);
static size_t left GUARDED_BY(random_lock);

static void refill(void) REQUIRES(random_lock)
{
	state[14] ^= (uint32_t)timer_now();
	for (unsigned i = 0; i < POOL_BLOCKS; i++)
		next_block(pool[i]);
	memcpy(&state[4], pool, KEY_SIZE);
	memset(pool, 0, KEY_SIZE);
	left = sizeof pool - KEY_SIZE;
}

void random_init(void)
{
	lock_acquire(&random_lock);
	for (uint32_t i = 0; i < machine.rng_seed_len; i++)
		((uint8_t *)&state[4])[i % 32] ^= machine.rng_seed[i];
	state[13] = (uint32_t)timer_now();
	refill();
	lock_release(&random_lock);
}

void random_bytes(void *to, size_t len)
{
	char *at = to;

	lock_acquire(&random_lock);
	while (len > 0) {
		char *from = (char *)(pool + POOL_BLOCKS) - left;
		size_t n = min_u64(len, left);

		memcpy(at, from, n);
		memset(from, 0, n);
		at += n;
		len -= n;
		left -= n;
		if (left == 0)
			refill();
	}
	lock_release(&random_lock);
}
