/* SPDX-License-Identifier: MIT */
/*
 * player.js - the film as data: the state after each step, forwards and
 * backwards. Nothing here uses a page, so tests run it without a browser.
 */
"use strict";

const ENTRIES = 512;

class Player {
	constructor(film) {
		this.film = film;
		this.steps = film.steps;
		this.at = -1; /* the last step that has been done */
		this.tables = new Map(); /* table -> index -> bits */
		this.names = new Map(); /* frame -> table * ENTRIES + index */
		this.things = {
			process: new Map(),
			root: new Map(),
			hart: new Map(),
			kernel: new Map(),
		};
	}

	get step() {
		return this.steps[this.at];
	}

	/* Goes to the state after step `n`; -1 is before the first. */
	seek(n) {
		n = Math.max(-1, Math.min(n, this.steps.length - 1));
		while (this.at < n)
			this.change(this.steps[++this.at], true);
		while (this.at > n)
			this.change(this.steps[this.at--], false);
	}

	change(step, forward) {
		const changes = step.changes || [];
		for (let i = 0; i < changes.length; i += 5) {
			const [table, first, count, before, after] =
				changes.slice(i, i + 5);
			for (let n = 0; n < count; n++)
				this.put(table, first + n,
					forward ? after : before);
		}
		const fields = step.fields || [];
		for (let i = 0; i < fields.length; i++) {
			const [kind, which, name, before, after] =
				fields[forward ? i : fields.length - 1 - i];
			this.set(kind, which, name, forward ? after : before);
		}
	}

	/*
	 * Changes an entry: the frame that it names has one name more, and the
	 * frame that it named before has one less.
	 */
	put(table, index, bits) {
		const entries = this.tables.get(table) || new Map();
		const key = table * ENTRIES + index;
		const before = frameOf(entries.get(index) || 0);
		if (before) {
			const names = this.names.get(before);
			names.delete(key);
			if (names.size === 0)
				this.names.delete(before);
		}
		if (bits)
			entries.set(index, bits);
		else
			entries.delete(index);
		if (entries.size > 0)
			this.tables.set(table, entries);
		else
			this.tables.delete(table);
		const frame = frameOf(bits);
		if (frame && !this.names.has(frame))
			this.names.set(frame, new Set());
		if (frame)
			this.names.get(frame).add(key);
	}

	/* Sets a field of a process, root or hart; null removes it. */
	set(kind, which, name, value) {
		const things = this.things[kind];
		const fields = things.get(which) || {};
		if (value === null)
			delete fields[name];
		else
			fields[name] = value;
		if (Object.keys(fields).length > 0)
			things.set(which, fields);
		else
			things.delete(which);
	}

	/* How many entries name a frame; a root or a kernel's frame has one more. */
	count(frame) {
		return (this.names.has(frame) ?
			this.names.get(frame).size : 0) +
			(this.things.root.has(frame) ? 1 : 0) +
			(this.things.kernel.has(frame) ? 1 : 0);
	}

	/* The entries of a table that are not EMPTY, in order: [index, bits]. */
	entriesOf(table) {
		return [...(this.tables.get(table) || [])]
			.sort((a, b) => a[0] - b[0]);
	}

	/* Is it the root of a server of the system, or one that a server left? */
	isSystem(root) {
		return Boolean((this.things.root.get(root) || {}).system);
	}

	/* The entries that name a frame, in order: [table, index, bits]. */
	namers(frame) {
		const keys = [...(this.names.get(frame) || [])];
		return keys.sort((a, b) => a - b).map((key) => {
			const table = Math.floor(key / ENTRIES);
			const index = key % ENTRIES;
			return [table, index, this.tables.get(table).get(index)];
		});
	}

	processesIn(root) {
		return [...this.things.process.entries()]
			.filter(([, fields]) => fields.root === root)
			.map(([pid, fields]) => ({ pid, ...fields }));
	}

	/* What an entry means: its kind, its marks. */
	meaning(bits) {
		return this.film.entries[bits % 1024] || ["EMPTY", ""];
	}

	/*
	 * Goes through the film, to its end and back, and compares counts with
	 * what the kernel said. Returns what differs.
	 */
	check() {
		const wrong = [], back = this.at;
		const compare = (way) => {
			const said = this.step.said || [];
			for (let i = 0; i < said.length; i += 2) {
				const count = this.count(said[i]);
				if (count !== said[i + 1])
					wrong.push(`step ${this.at} ${way}: ` +
						`frame ${said[i].toString(16)} has ` +
						`${count}, not ${said[i + 1]}`);
			}
		};
		this.seek(-1);
		for (let n = 0; n < this.steps.length; n++) {
			this.seek(n);
			compare("forwards");
		}
		for (let n = this.steps.length - 1; n >= 0; n--) {
			this.seek(n);
			compare("backwards");
		}
		this.seek(-1);
		if (this.tables.size + this.names.size > 0)
			wrong.push("something is left before the first step");
		this.seek(back);
		return wrong;
	}

	/* The next step from `from` on, in a direction, for which `wanted` is true. */
	find(from, direction, wanted) {
		for (let n = from + direction; n >= 0 && n < this.steps.length;
			n += direction)
			if (wanted(this.steps[n]))
				return n;
		return -1;
	}
}

/* The page number of what an entry names; 0: nothing. */
function frameOf(bits) {
	return Math.floor(bits / 1024);
}

function hex(number) {
	return number.toString(16);
}

/*
 * The names of steps: a step of the program has a number; a step of the system
 * has that of the last step of the program, and a number of its own behind it.
 */
function namesOf(steps) {
	let number = -1, since = 0;
	return steps.map((step) => {
		if (step.system)
			return `${number < 0 ? "boot" : number}+${++since}`;
		since = 0;
		return String(++number);
	});
}

/* Is a step about this address, frame or word? */
function isAbout(step, words) {
	const number = /^(0x)?[0-9a-f]+$/i.test(words) ?
		parseInt(words, 16) : NaN;
	const counts = step.counts || [];
	for (let i = 0; i < counts.length; i += 3)
		if (counts[i] === number || counts[i] * 4096 === number)
			return true;
	if (step.address !== undefined &&
		Math.floor(step.address / 4096) === Math.floor(number / 4096))
		return true;
	return step.text.toLowerCase().includes(words.toLowerCase());
}

if (typeof module !== "undefined")
	module.exports = { Player, frameOf, hex, isAbout, namesOf };
