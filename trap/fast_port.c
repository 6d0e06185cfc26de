/* SPDX-License-Identifier: MIT */
/*
 * fast_port.c - a call on a file of a server's, and the reply to it, where
 * everything is as one hopes. The caller finds one server, which waits: the
 * request goes straight into its buffer, with a path or a few bytes, its
 * port_next() has ended, and the hart is the server's. The server replies with
 * a word, or with bytes for what the caller lends, and nobody else asks: the
 * call has ended, the server waits, and the hart is the caller's again.
 *
 * A fast path changes nothing before it is sure; whatever is not as expected is
 * left to the call as it is written elsewhere. After each half everything is as
 * the ordinary path would have left it, so either half may be followed by what
 * is ordinary. Without this file everything is the same, and slower.
 */
#include "fast_port.h"

#include "proc/form.h"
#include "proc/request.h"

#define STRING_MAX 128UL /* bytes of one that goes along */

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
 * The server that waits at the port, if there is one, and it can be given a
 * request. Where a server waits nobody else does, and no note: whoever comes
 * wakes it.
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

/* M5, M6. */
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
 * What goes to a server, beside registers. Of what comes along, the kernel's
 * address is known if it is short and lies in one page.
 */
struct message {
	struct file *f;
	const struct call_form *form;
	struct lease lease;
	const char *along; /* bytes that come along, or a string; NULL */
	size_t len; /* of them; of a string, how far it may go; 0: none */
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

/* The bytes of such a word up to that; how many. */
INLINE size_t put_end(char *to, uint64_t word)
{
	size_t n = 0;

	for (; (word & 0xff) != 0; word >>= 8)
		to[n++] = (char)word;
	to[n++] = '\0';
	return n;
}

/*
 * Copies a string, each byte of which is read once, and none behind its end is
 * written. Its length with its end; 0 if that is not among `len` bytes.
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
 * Puts what comes along into the buffer of a server that waits, which means
 * nothing until its call ends. How many bytes; 0 if that cannot be done. A
 * string in the page that it goes to, which both share, would lose its end.
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
 * The same with more bytes, of what is lent, and without the lock. 0 also if
 * the server does not wait any more, or there is something else to do.
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

/* A message that lends nothing is NULL. */
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

/* A glance without the lock: does a server wait? */
INLINE bool is_awaited(const struct file *f)
{
	return !list_is_empty(&remote_port(f)->idle.procs);
}

/* Asks, or leaves it. */
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

/* Is all of what is lent to be written there? */
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

/* What is lent to be read comes along, as far as one part of it goes. */
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

/* What is lent by the call of the message, if that is simple. */
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

/* A path that begins where argument 0 says, and is in argument 1. */
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

/* It is about a path, and not about a descriptor. */
long fast_stat(const struct trapframe *tf)
{
	return likely((tf_arg(tf, 3) & ~(uint64_t)AT_SYMLINK_NOFOLLOW) == 0)
	    ? fast_path(tf)
	    : sys_newfstatat(tf);
}

/*
 * Nobody has the file any more: its note goes straight to the server, and who
 * has closed it goes on after that. On its own hart, so not if another is idle.
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
