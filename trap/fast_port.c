/* SPDX-License-Identifier: MIT */
/*
 * fast_port.c - the fast path of a call on a server's file, and of the reply.
 *
 * The call: exactly one server waits at the port. The request is written
 * straight into the server's buffer, with a path or a few bytes; the server's
 * port_next() has ended, and the caller's hart goes on as the server. The
 * reply, a word or bytes for what the caller lends: nobody else waits at the
 * port. The caller's call has ended, the server waits again, and the hart goes
 * on as the caller.
 *
 * A fast path changes nothing until it is sure that it can do all. If anything
 * is not as expected, the call is left to its ordinary handler. After each half
 * all is as the ordinary path would have left it, so that each half can be
 * combined with an ordinary one. Without this file everything works the same,
 * and slower.
 */
#include "fast_port.h"

#include "proc/form.h"
#include "proc/request.h"

#define STRING_MAX 128UL /* bytes of a path that is copied along */

bool copy_claimed(const struct copy *copy)
{
	size_t n = 1;

	for (size_t done = 0; done < copy->len; done += n) {
		n = copy_part(copy, done);
		if (unlikely(n == 0 ||
			(done / LEASE_PART != (done + n) / LEASE_PART &&
			    hart_is_interrupted())))
			return false;
	}
	return true;
}

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
 * No call on the file is in a hand (M6), and a server calls lower levels only
 * (M5).
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

/* The caller is in the server's hand, and waits. */
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
 * the bytes or the path to be copied along. It is NULL for bytes that are many,
 * or in more than one page.
 */
struct message {
	struct file *f;
	const struct call_form *form;
	struct lease lease;
	const char *along; /* bytes or a string, or NULL */
	size_t len;        /* of a string: at most; 0: nothing is copied */
	bool is_string;
};

typedef uint64_t __attribute__((may_alias)) word_t;

INLINE word_t *word_at(const char *at)
{
	return (word_t *)(uintptr_t)at;
}

INLINE bool has_nul(uint64_t word)
{
	return ((word - 0x0101010101010101) & ~word & 0x8080808080808080) != 0;
}

/*
 * Stores the bytes of a word that has a NUL, up to the NUL. Returns how many.
 */
INLINE size_t put_end(char *to, uint64_t word)
{
	size_t n = 0;

	for (; (word & 0xff) != 0; word >>= 8)
		to[n++] = (char)word;
	to[n++] = '\0';
	return n;
}

/*
 * Copies a string. Each byte is read once, as its owner may change it, and
 * nothing behind the end is written. Returns the length with the NUL; 0 if
 * there is none among `len` bytes.
 */
INLINE size_t copy_string(char *to, const char *from, size_t len)
{
	size_t i = 0;

	if ((((uintptr_t)to | (uintptr_t)from) & 7) == 0) {
		for (; len - i >= 8; i += 8) {
			uint64_t word = __atomic_load_n(word_at(from + i),
			    __ATOMIC_RELAXED);

			if (has_nul(word))
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
 * Copies what comes along into the buffer of the waiting server. If the fast
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
	void *to;

	if (unlikely(!user_page_ready(server->as, in, ACCESS_WRITE, &to)))
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
 * As bring(), for more bytes, and without the lock. 0 also if the server does
 * not wait any more, or the hart has something else to do.
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
 * Gives the request to a waiting server, if all is as expected. `m` is NULL if
 * nothing is lent.
 */
INLINE bool ask(struct proc *self, struct file *f, const struct message *m)
    REQUIRES(sched_lock)
{
	struct remote *remote = f->object;
	uint64_t number = tf_number(&self->t.tf);
	struct request *request;
	struct proc *server;
	size_t in_len = 0;

	if (unlikely(!may_leave(self) || !may_ask(self, remote)))
		return false;
	server = server_of(remote->port);
	if (unlikely(server == NULL))
		return false;
	if (m != NULL && m->len != 0) {
		in_len = likely(m->along != NULL)
		    ? bring(server, m)
		    : bring_more(self, remote, server, m);
		if (unlikely(in_len == 0))
			return false;
	}
	begin(&self->t.call, f, number);
	put_in_hand(self, remote, server);
	request = server->t.call.room;
	remote_tell(self, call_forms[number].args, request);
	if (m != NULL) {
		self->t.call.remote.lease = m->lease;
		request->in_len = in_len;
	}
	give(server, 0);
	return true;
}

/* Does a server wait? Without the lock, so the answer is only a hint. */
INLINE bool is_awaited(const struct file *f)
{
	return !list_is_empty(&remote_port(f)->idle.procs);
}

/* Takes the fast path, or else the ordinary one. */
INLINE long ask_or(const struct trapframe *tf, struct file *f,
    const struct message *m)
{
	struct proc *self = proc_self();
	bool done;

	lock_acquire(&sched_lock);
	done = ask(self, f, m);
	lock_release(&sched_lock);
	return likely(done) ? CALL_GIVES : leave(tf);
}

long fast_remote(const struct trapframe *tf)
{
	struct file *f = fd_get((int)tf_arg(tf, 0));

	if (unlikely(f == NULL || !file_is_remote(f)))
		return sys_remote(tf);
	return ask_or(tf, f, NULL);
}

/* Is each page there that is lent to be written? */
static bool is_ready(const struct lease *lease)
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

/* What is lent to be read is copied along, up to the length of one part. */
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

/* Fills in what the call lends. False if that is not simple. */
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
	return m->lease.may != LEND_WRITE || is_ready(&m->lease);
}

INLINE bool is_open_for(const struct file *f, const struct call_form *form)
{
	return (form->needs != OPEN_READ || file_can_read(f)) &&
	    (form->needs != OPEN_WRITE || file_can_write(f));
}

long fast_lend(const struct trapframe *tf)
{
	struct message m = {.f = fd_get((int)tf_arg(tf, 0)),
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

/* newfstatat, if it is about a path and not about the descriptor. */
long fast_stat(const struct trapframe *tf)
{
	return likely((tf_arg(tf, 3) & ~(uint64_t)AT_SYMLINK_NOFOLLOW) == 0)
	    ? fast_path(tf)
	    : sys_newfstatat(tf);
}

/*
 * The last descriptor of the file is being closed: its note goes straight to
 * the server, and the process that closed it runs after the server. Not if
 * another hart is idle, which could run the server at the same time.
 */
INLINE bool tell(struct proc *self, struct remote *remote) REQUIRES(sched_lock)
{
	struct proc *server;

	if (unlikely(!may_leave(self) || sched_queues.idle != 0))
		return false;
	server = server_of(remote->port);
	if (unlikely(server == NULL))
		return false;
	server->t.note = remote;
	*server->t.call.room =
	    (struct request){.number = remote->number, .token = remote->token};
	*tf_reg(&self->t.tf, REG_A0) = 0;
	ready_push_first(self);
	give(server, 0);
	return true;
}

long fast_close(const struct trapframe *tf)
{
	int fd = (int)tf_arg(tf, 0);
	struct file *f = fd_get(fd);
	bool done;

	if (unlikely(f == NULL || !file_is_remote(f) || !is_awaited(f) ||
		__atomic_load_n(&f->refs, __ATOMIC_ACQUIRE) != 1))
		return sys_close(tf);
	lock_acquire(&sched_lock);
	done = tell(proc_self(), f->object);
	if (likely(done))
		(void)fd_take(fd);
	lock_release(&sched_lock);
	if (unlikely(!done))
		return sys_close(tf);
	file_discard(f);
	return CALL_GIVES;
}
