/* SPDX-License-Identifier: MIT */
/*
 * fast_port.c - the fast path of a call on a server's file, and of the reply.
 * All registers of the process have been saved: arch/trapvec.S.
 *
 * The call: exactly one server waits at the port. The request is written
 * straight into the server's buffer, with a path or a few bytes; the server's
 * port_next() has ended, and the caller's hart goes on as the server. The
 * reply: nobody else waits at the port. The caller gets a result, with bytes
 * for the memory that it lends or with a new file. Its call has ended, the
 * server waits again, and the hart goes on as the caller.
 *
 * A fast path changes nothing that others see until it is sure that it can do
 * all. If anything is not as expected, the call is left to its ordinary
 * handler, and a file that was made for it is thrown away. After each half all
 * is as the ordinary path would have left it, so that each half can be combined
 * with an ordinary one. Without this file everything works the same, and
 * slower.
 */
#include "fast_port.h"

#include "proc/form.h"
#include "proc/request.h"

#define STRING_MAX 128UL /* bytes of a path that is copied along */

/* ---- The call ---- */

/*
 * The server that waits at the port, if there is exactly one and it can be
 * given a request. While a server waits there is no other caller and no note in
 * the queues, as each of them wakes the server.
 */
INLINE struct proc *server_of(const struct port *port) REQUIRES(sched_lock)
{
	const struct list *idle = &port->idle.procs;
	struct proc *server = list_entry(idle->next, struct proc, t.link);

	if (unlikely(list_is_empty(idle) || idle->next != idle->prev ||
		port->idle.polled || server->t.call.kept != KEPT_ROOM ||
		!switch_is_easy_to(server)))
		return NULL;
	return server;
}

/*
 * May the process make a request for the file? Not while a server has another
 * call on the file in hand (M6); and a server calls lower levels only (M5).
 */
INLINE bool may_ask(const struct proc *self, const struct remote *remote)
    REQUIRES(sched_lock)
{
	return !remote->is_in_hand &&
	    (self->t.serves == 0 || remote->port->level + 1 < self->t.serves);
}

INLINE void begin(struct call *call, struct file *f, uint64_t number)
    REQUIRES(sched_lock)
{
	call->kept = KEPT_REMOTE;
	call->state = CALL_WAIT;
	call->on_signal = SIGNAL_HELD;
	call->remote = (struct remote_call){.number = (uint16_t)number,
	    .file = f,
	    .id = ++remote_last_id};
}

/* Puts the caller into the server's hand; it waits from now on. */
INLINE void put_in_hand(struct proc *self, struct remote *remote,
    struct proc *server) REQUIRES(sched_lock)
{
	server->t.client = self;
	server->t.owes = true;
	self->t.call.remote.server = server;
	remote->is_in_hand = true;
	self->t.state = PROC_BLOCKED;
	list_push_back(&remote->port->served.procs, &self->t.link);
}

/*
 * What goes to the server besides registers. `along` is the kernel's address of
 * the bytes or the path to be copied along. It is NULL for more than COPY_MAX
 * bytes, and for bytes in more than one page.
 */
struct message {
	struct file *f;
	const struct call_form *form;
	struct lease lease;
	void *ready;       /* the kernel's address of the lease, or NULL */
	const char *along; /* bytes or a string, or NULL */
	size_t len;        /* of bytes; of a string at most; 0: copy nothing */
	bool is_string;
};

typedef uint64_t __attribute__((may_alias)) word_t;

INLINE word_t *word_at(const char *at)
{
	return (word_t *)(uintptr_t)at;
}

#define ONES 0x0101010101010101UL /* a one in each byte of a word */

/*
 * Marks the highest bit of the first NUL in a word, and perhaps of bytes behind
 * it. 0: there is no NUL.
 */
INLINE uint64_t nul_mark(uint64_t word)
{
	return (word - ONES) & ~word & ONES << 7;
}

/*
 * Stores a word up to its first NUL, and zeros for all bytes from there on.
 * Returns how many bytes there are with the NUL.
 */
INLINE size_t put_end(char *to, uint64_t word)
{
	uint64_t mark = nul_mark(word);
	uint64_t before = ((mark & -mark) >> 7) - 1; /* all bits before it */

	*word_at(to) = word & before;
	return ((before & ONES) * ONES >> 56) + 1; /* adds up those ones */
}

/*
 * Copies a string. Each byte is read once, as its owner may change it, and
 * nothing behind the end is copied. Returns the length with the NUL; 0 if there
 * is none among `len` bytes.
 */
INLINE size_t copy_string(char *to, const char *from, size_t len)
{
	size_t i = 0;

	if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0) {
		for (; len - i >= 8; i += 8) {
			uint64_t word = __atomic_load_n(word_at(from + i),
			    __ATOMIC_RELAXED);

			if (nul_mark(word) != 0)
				return i + put_end(to + i, word);
			*word_at(to + i) = word;
		}
	}
	for (; i < len; i++) {
		char c = __atomic_load_n(&from[i], __ATOMIC_RELAXED);

		to[i] = c;
		if (c == '\0')
			return i + 1;
	}
	return 0;
}

/*
 * The kernel's address of the waiting server's buffer for bytes, which is at
 * `in`; NULL if that memory is not ready.
 */
INLINE void *buffer_of(const struct proc *server, vaddr_t in)
    REQUIRES(sched_lock)
{
	vaddr_t beside = tf_arg(&server->t.tf, 2);
	void *buffer;

	/* It is often in the page that room_of() has found already. */
	if (likely((in ^ beside) < PAGE_SIZE))
		return (char *)server->t.call.room + (in - beside);
	return user_page_ready(server->as, in, ACCESS_WRITE, &buffer) ? buffer
								      : NULL;
}

/*
 * Copies the bytes or the path to the buffer of the waiting server. If the fast
 * path is left afterwards that is no harm: the buffer means nothing until the
 * server's call ends. Returns how many bytes; 0 if it cannot be done, for
 * example as a string and the buffer are in one page, which both processes
 * share: the copy could overwrite the string's end.
 */
INLINE size_t bring(const struct proc *server, const struct message *m)
    REQUIRES(sched_lock)
{
	vaddr_t in = tf_arg(&server->t.tf, 3);
	size_t len =
	    min_u64(tf_arg(&server->t.tf, 4), PAGE_SIZE - (in & PAGE_MASK));
	void *to = buffer_of(server, in);

	if (unlikely(to == NULL))
		return 0;
	if (m->is_string && ((vaddr_t)to ^ (vaddr_t)m->along) < PAGE_SIZE)
		return 0;
	if (m->is_string)
		return copy_string(to, m->along, min_u64(len, m->len));
	if (unlikely(m->len > len))
		return 0;
	memcpy(to, m->along, m->len);
	return m->len;
}

/*
 * Does what bring() does, for more bytes; releases the lock meanwhile. 0 also
 * if the server does not wait any more, or the hart has something else to do.
 */
static NOINLINE size_t bring_more(const struct proc *self,
    const struct remote *remote, const struct proc *server,
    const struct message *m) REQUIRES(sched_lock)
{
	struct aspace *as = server->as;
	const struct copy copy = {self->as, as, m->lease.at,
	    tf_arg(&server->t.tf, 3),
	    min_u64(m->len, tf_arg(&server->t.tf, 4))};
	bool done;

	aspace_claim(as);
	lock_release(&sched_lock);
	done = copy_claimed(&copy);
	lock_acquire(&sched_lock);
	aspace_leave(as);
	if (unlikely(!done || !may_leave(self) || !may_ask(self, remote) ||
		server_of(remote->port) != server))
		return 0;
	return copy.len;
}

/*
 * Gives the request to a waiting server, and returns it; NULL if not all is as
 * expected. `m` is NULL if nothing is lent.
 */
INLINE struct proc *ask(struct proc *self, struct file *f,
    const struct message *m) REQUIRES(sched_lock)
{
	struct remote *remote = f->object;
	uint64_t number = tf_number(&self->t.tf);
	struct request *request;
	struct proc *server;
	size_t in_len = 0;

	if (unlikely(!may_leave(self) || !may_ask(self, remote)))
		return NULL;
	server = server_of(remote->port);
	if (unlikely(server == NULL))
		return NULL;
	if (m != NULL && m->len != 0) {
		in_len = likely(m->along != NULL)
		    ? bring(server, m)
		    : bring_more(self, remote, server, m);
		if (unlikely(in_len == 0))
			return NULL;
	}
	begin(&self->t.call, f, number);
	put_in_hand(self, remote, server);
	request = server->t.call.room;
	remote_tell(self, call_forms[number].args, request);
	if (m != NULL) {
		self->t.call.remote.lease = m->lease;
		self->t.call.remote.ready = m->ready;
		request->in_len = in_len;
	}
	give(server, 0);
	return server;
}

/* Takes the fast path, or else the ordinary one. */
INLINE long ask_or(const struct trapframe *tf, struct file *f,
    const struct message *m)
{
	struct proc *self = proc_self(), *server;

	lock_acquire(&sched_lock);
	server = ask(self, f, m);
	lock_release(&sched_lock);
	if (likely(server != NULL))
		sched_give(self, server);
	return leave(tf);
}

long fast_remote(const struct trapframe *tf)
{
	struct file *f = fd_get(tf_int(tf, 0));

	if (unlikely(f == NULL || !file_is_remote(f)))
		return sys_remote(tf);
	return ask_or(tf, f, NULL);
}

/* Are all pages there that the lease lends to be written? */
static NOINLINE bool pages_are_ready(const struct lease *lease)
{
	const struct aspace *as = proc_self()->as;

	for (uint64_t done = 0; done < lease->len;) {
		vaddr_t at = lease->at + done;
		void *page;

		if (!user_page_ready(as, at, ACCESS_WRITE, &page))
			return false;
		done += PAGE_SIZE - (at & PAGE_MASK);
	}
	return true;
}

/*
 * Are all pages of the lease there? If it is in one page, *bytes becomes the
 * kernel's address of it, for the reply.
 */
INLINE bool is_ready(const struct lease *lease, void **bytes)
{
	if (lease->len > PAGE_SIZE - (lease->at & PAGE_MASK))
		return pages_are_ready(lease);
	return user_page_ready(proc_self()->as, lease->at, ACCESS_WRITE, bytes);
}

/*
 * Finds what is copied along of memory that is lent to be read: as much as one
 * part. False if it is not there.
 */
INLINE bool take_along(struct message *m)
{
	vaddr_t at = m->lease.at;
	void *bytes;

	m->len = min_u64(m->lease.len, LEASE_PART);
	if (m->len > COPY_MAX || m->len > PAGE_SIZE - (at & PAGE_MASK))
		return true;
	if (!user_page_ready(proc_self()->as, at, ACCESS_READ, &bytes))
		return false;
	m->along = bytes;
	return true;
}

/* Fills in what the call lends. False if the fast path cannot handle that. */
INLINE bool lend(struct message *m, const struct trapframe *tf)
{
	if (m->form->lent == LENT_NOTHING)
		return true;
	m->lease = lease_of(m->form, tf);
	if (m->lease.may == 0 || m->lease.len - 1 >= LEND_MAX ||
	    m->lease.at > USER_TOP - m->lease.len)
		return false;
	if (m->lease.may == LEND_READ)
		return take_along(m);
	return m->lease.may != LEND_WRITE || is_ready(&m->lease, &m->ready);
}

INLINE bool is_open_for(const struct file *f, const struct call_form *form)
{
	return (form->needs != OPEN_READ || file_can_read(f)) &&
	    (form->needs != OPEN_WRITE || file_can_write(f));
}

long fast_lend(const struct trapframe *tf)
{
	struct message m = {.f = fd_get(tf_int(tf, 0)),
	    .form = &call_forms[tf_number(tf)]};

	if (unlikely(m.f == NULL || !file_is_remote(m.f) || !is_awaited(m.f) ||
		!is_open_for(m.f, m.form) || !lend(&m, tf)))
		return leave(tf);
	return ask_or(tf, m.f, &m);
}

/* pread and pwrite. */
long fast_lend_at(const struct trapframe *tf)
{
	return likely((int64_t)tf_arg(tf, 3) >= 0) ? fast_lend(tf)
						   : sys_remote(tf);
}

/* Calls with a descriptor in argument 0 and a path in argument 1. */
long fast_path(const struct trapframe *tf)
{
	struct message m = {.form = &call_forms[tf_number(tf)],
	    .is_string = true};
	vaddr_t at = tf_arg(tf, 1);
	void *path;

	if (unlikely(
		!user_page_ready(proc_self()->as, at, ACCESS_READ, &path) ||
		place_of_byte(tf_arg(tf, 0), *(const char *)path, &m.f) < 0))
		return leave(tf);
	if (unlikely(!is_awaited(m.f)))
		return leave(tf);
	m.along = path;
	m.len = min_u64(STRING_MAX, PAGE_SIZE - (at & PAGE_MASK));
	if (unlikely(!lend(&m, tf) ||
		(tf_number(tf) == SYS_openat && fd_table_is_full())))
		return leave(tf);
	return ask_or(tf, m.f, &m);
}

/* newfstatat; only with flags with which it is never about the descriptor. */
long fast_stat(const struct trapframe *tf)
{
	return likely((tf_arg(tf, 3) & ~(uint64_t)AT_SYMLINK_NOFOLLOW) == 0)
	    ? fast_path(tf)
	    : sys_newfstatat(tf);
}

/*
 * The last descriptor of the file is being closed: gives the note of that
 * straight to the server, and queues the process that closes it to run after
 * the server. Returns the server. NULL if not all is as expected, or if another
 * hart is idle, which could run the server at the same time.
 */
INLINE struct proc *tell(struct proc *self, struct remote *remote)
    REQUIRES(sched_lock)
{
	struct proc *server;

	if (unlikely(!may_leave(self) || sched_queues.idle != 0 ||
		remote->files != 1))
		return NULL;
	server = server_of(remote->port);
	if (unlikely(server == NULL))
		return NULL;
	server->t.note = remote;
	*server->t.call.room =
	    (struct request){.number = remote->number, .token = remote->token};
	*tf_reg(&self->t.tf, REG_A0) = 0;
	ready_push_first(self);
	give(server, 0);
	return server;
}

long fast_close(const struct trapframe *tf)
{
	int fd = tf_int(tf, 0);
	struct file *f = fd_get(fd);
	struct proc *self = proc_self(), *server;

	if (unlikely(f == NULL || !file_is_remote(f) || !is_awaited(f) ||
		__atomic_load_n(&f->refs, __ATOMIC_ACQUIRE) != 1))
		return sys_close(tf);
	lock_acquire(&sched_lock);
	server = tell(self, f->object);
	if (likely(server != NULL))
		(void)fd_take(fd);
	lock_release(&sched_lock);
	if (unlikely(server == NULL))
		return sys_close(tf);
	file_discard(f);
	sched_give(self, server);
}
