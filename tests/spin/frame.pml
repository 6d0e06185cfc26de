/* SPDX-License-Identifier: MIT */
/*
 * frame.pml - mm/frame.c: frames between the harts' caches, the depot and the
 * memory that has never been used, under cache.lock, depot_lock and bank_lock.
 *
 * Bounds: 2 harts, FRAMES frames, OPS allocations and frees together, caches of
 * 2 frames, batches of 1. Each list is a set of frames, which is read in one
 * step and written back in another: two harts that do so at once lose an
 * update.
 */
#ifndef OPS
#define OPS 6
#endif
#define HARTS  2
#define FRAMES 3
#define SIZE   2

hidden byte two_owners, lost_frame;
#define CHECK(what, holds) assert((holds) || what)

/* Sets, a bit for each frame. */
byte cache[HARTS];
byte depot;
byte fresh = (1 << FRAMES) - 1;
byte owned[HARTS];
byte left = OPS;
byte running = HARTS;

bool cache_lock[HARTS];
bool depot_lock, bank_lock;

inline acquire(lock)
{
	atomic { !lock -> lock = true }
}

#ifdef NO_CACHE_LOCK
#define CACHE_ACQUIRE(h) skip
#define CACHE_RELEASE(h) skip
#else
#define CACHE_ACQUIRE(h) acquire(cache_lock[h])
#define CACHE_RELEASE(h) cache_lock[h] = false
#endif
#ifdef NO_DEPOT_LOCK
#define DEPOT_ACQUIRE skip
#define DEPOT_RELEASE skip
#else
#define DEPOT_ACQUIRE acquire(depot_lock)
#define DEPOT_RELEASE depot_lock = false
#endif
#ifdef NO_FRESH_LOCK
#define FRESH_ACQUIRE skip
#define FRESH_RELEASE skip
#else
#define FRESH_ACQUIRE acquire(bank_lock)
#define FRESH_RELEASE bank_lock = false
#endif

/* The lowest frame of a set, as a set. */
#define LOWEST(s) ((s) & (~(s) + 1))
#define IS_FULL(s) ((s) == 3 || (s) == 5 || (s) == 6 || (s) == 7)

/* Takes one frame off a list: `f`, 0 if there is none. */
inline take(list)
{
	seen = list;
	atomic {
		f = LOWEST(seen);
		list = seen & ~f
	}
}

inline give(list)
{
	seen = list;
	list = seen | f
}

/*
 * cache_refill: from the depot, or else (fresh_take) frames that were never
 * used.
 */
inline cache_refill()
{
	printf("%d: cache_refill\n", me);
	DEPOT_ACQUIRE;
	take(depot);
	DEPOT_RELEASE;
	if
	:: f == 0 ->
		FRESH_ACQUIRE;
		take(fresh);
		FRESH_RELEASE
	:: else
	fi
}

inline frame_alloc()
{
	printf("%d: frame_alloc\n", me);
	CACHE_ACQUIRE(me);
	take(cache[me]);
	if
	:: f == 0 -> cache_refill()
	:: else
	fi;
#ifndef STEAL_HOLDING
	CACHE_RELEASE(me);
#endif
	/* cache_steal */
	h = 0;
	do
	:: f == 0 && h < HARTS ->
#ifdef STEAL_HOLDING
		if
		:: h != me ->
#endif
		CACHE_ACQUIRE(h);
		take(cache[h]);
		CACHE_RELEASE(h);
#ifdef STEAL_HOLDING
		:: else
		fi;
#endif
		h++
	:: else -> break
	od;
#ifdef STEAL_HOLDING
	CACHE_RELEASE(me);
#endif
	atomic {
		printf("%d: gets %d\n", me, f);
		CHECK(two_owners, (f & (owned[0] | owned[1])) == 0);
		owned[me] = owned[me] | f;
		f = 0; h = 0; seen = 0
	}
}

/* frame_free; a full cache gives to the depot first (depot_put). */
inline frame_free()
{
	d_step {
		freed = LOWEST(owned[me]);
		owned[me] = owned[me] & ~freed;
		printf("%d: frame_free of %d\n", me, freed)
	}
	CACHE_ACQUIRE(me);
	if
	:: IS_FULL(cache[me]) ->
		take(cache[me]);
		DEPOT_ACQUIRE;
		give(depot);
		DEPOT_RELEASE
	:: else
	fi;
	f = freed;
	give(cache[me]);
	CACHE_RELEASE(me);
	d_step { f = 0; freed = 0; seen = 0 }
}

proctype Hart(byte me)
{
	byte f, h, freed, seen;

	do
	:: atomic { left > 0 -> left-- }
		if
		:: true -> frame_alloc()
		:: owned[me] != 0 -> frame_free()
		fi
	:: break
	od;
	atomic {
		running--;
		if
		:: running == 0 ->
			CHECK(two_owners, (cache[0] & cache[1]) == 0 &&
			    ((cache[0] | cache[1]) & (depot | fresh)) == 0 &&
			    (depot & fresh) == 0 &&
			    ((owned[0] | owned[1]) &
			    (cache[0] | cache[1] | depot | fresh)) == 0);
			CHECK(lost_frame, (owned[0] | owned[1] | cache[0] |
			    cache[1] | depot | fresh) == (1 << FRAMES) - 1)
		:: else
		fi
	}
}

init
{
	atomic { run Hart(0); run Hart(1) }
}
