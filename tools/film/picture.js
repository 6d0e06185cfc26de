/* SPDX-License-Identifier: MIT */
/*
 * picture.js - the page tables after a step, as a drawing: a table or page that
 * several share is drawn once, with a line from each that names it.
 */
"use strict";

const LEVEL_NAMES = ["page", "2 MiB table", "1 GiB table", "root"];
const BOX = 186; /* the width of a table */
const GAP = 20;
/* The size of a page in the drawing, and how many are beside each other. */
const CELL = { width: 56, height: 36, row: 5 };
const TINY = { width: 13, height: 13, row: 12 };
const MANY_PAGES = 20;
const MANY_ROOTS = 5;

/* The properties of a page's entry, for its colour and its letters. */
function looksOf(meaning) {
	const [kind, marks] = meaning;
	if (kind === "HIDDEN")
		return ["hidden", "no access"];
	if (marks.includes("COW"))
		return ["cow", "COW"];
	if (marks.includes("SHARED"))
		return ["shared", "SHARED"];
	if (marks.startsWith("rw"))
		return ["rw", "rw"];
	return ["ro", marks.slice(0, 3)];
}

/*
 * The address spaces in order: images of programs first, then processes by
 * their number, then new ones; with or without those of the system.
 */
function rootsInOrder(player, system) {
	const rank = (root) => {
		const pids = player.processesIn(root).map((p) => p.pid);
		const label = player.things.root.get(root).label || "";
		if (pids.length > 0)
			return Math.min(...pids);
		return label.startsWith("image") ? 0 : Infinity;
	};
	const ranked = [...player.things.root.keys()]
		.filter((root) => system || !player.isSystem(root))
		.map((root) => [rank(root), root]);
	return ranked.sort((a, b) => a[0] === b[0] ? a[1] - b[1] :
		a[0] - b[0]).map(([, root]) => root);
}

/*
 * The address spaces that are shown: all, or if there are many, those that the
 * step is about.
 */
function rootsToShow(player, all, system) {
	const roots = rootsInOrder(player, system);
	if (all || roots.length <= MANY_ROOTS)
		return roots;
	const step = player.step || {};
	const touched = new Set();
	const changes = step.changes || [];
	const climb = (frame) => {
		touched.add(frame);
		for (const [table] of player.namers(frame))
			climb(table);
	};
	for (let i = 0; i < changes.length; i += 5)
		climb(changes[i]);
	const self = player.things.process.get(step.pid) || {};
	const parent = player.things.process.get(self.parent) || {};
	const peer = player.things.process.get(step.peer) || {};
	return roots.filter((root) => touched.has(root) ||
		[self.root, parent.root, peer.root].includes(root))
		.slice(0, MANY_ROOTS);
}

/* ---- What is to be drawn ---- */

/* The tables by level, from the roots down, each once. */
function collectTables(player, roots) {
	const levels = [roots.map((frame) => ({ frame, level: 3 }))];
	for (let level = 2; level >= 1; level--) {
		const seen = new Map();
		for (const { frame } of levels[levels.length - 1])
			for (const [, bits] of player.entriesOf(frame))
				if (frameOf(bits) && !seen.has(frameOf(bits)))
					seen.set(frameOf(bits),
						{ frame: frameOf(bits), level });
		levels.push([...seen.values()]);
	}
	return levels;
}

/* Pages that the same tables name, and have one count, as one group. */
function collectPages(player, tables) {
	const groups = new Map(), seen = new Set();
	for (const { frame: table } of tables)
		for (const [index, bits] of player.entriesOf(table)) {
			const frame = frameOf(bits);
			if (!frame || seen.has(frame))
				continue;
			seen.add(frame);
			const namers = player.namers(frame);
			const key = namers.map((n) => n[0]).sort().join() +
				(player.things.kernel.has(frame) ?
					" and the kernel" : "");
			if (!groups.has(key))
				groups.set(key, { key: `pages ${key}`, level: 0,
					pages: [], tables: [...new Set(
						namers.map((n) => n[0]))] });
			groups.get(key).pages.push({ frame, index, namers });
		}
	return [...groups.values()];
}

/* ---- Places of boxes ---- */

/*
 * Puts boxes in a row, each as near to where it wants to be as the others let
 * it: those that would overlap become a block, whose middle is where its
 * members want it on average.
 */
function spread(boxes) {
	const blocks = [];
	for (const box of boxes) {
		let block = { boxes: [box], width: box.width, want: box.want };
		for (let last = blocks[blocks.length - 1]; last !== undefined &&
			last.want + last.width / 2 + GAP >
			block.want - block.width / 2;
			last = blocks[blocks.length - 1]) {
			const count = last.boxes.length + block.boxes.length;
			block = {
				boxes: last.boxes.concat(block.boxes),
				width: last.width + GAP + block.width,
				want: (last.want * last.boxes.length + block.want *
					block.boxes.length) / count,
			};
			blocks.pop();
		}
		blocks.push(block);
	}
	for (const block of blocks) {
		let x = block.want - block.width / 2;
		for (const box of block.boxes) {
			box.x = x;
			x += box.width + GAP;
		}
	}
}

function mean(numbers) {
	return numbers.reduce((a, b) => a + b, 0) / Math.max(1, numbers.length);
}

/* A row below others: each box under those that name it. */
function placeRow(boxes, above, y) {
	boxes.forEach((box, i) => {
		const middles = box.namedBy.map((frame) => above.get(frame))
			.filter((parent) => parent !== undefined)
			.map((parent) => parent.x + parent.width / 2);
		box.want = middles.length > 0 ? mean(middles) : i * (BOX + GAP);
		box.y = y;
	});
	boxes.sort((a, b) => a.want - b.want || a.order - b.order);
	spread(boxes);
}

function sizeOfGroup(group) {
	const count = group.pages.length;
	const cell = count > MANY_PAGES ? TINY : CELL;
	/* Groups are rather high than wide, as a wide drawing is shown smaller. */
	const columns = Math.min(cell.row, Math.ceil(Math.sqrt(count)));
	group.cell = cell;
	group.columns = cell === TINY ? Math.min(count, cell.row) : columns;
	group.width = Math.max(group.columns * cell.width + 10, 92);
	group.height = Math.ceil(count / group.columns) * cell.height + 26;
}

/* All boxes with their places, and how large the drawing is. */
function layout(player, roots) {
	const [tops, middles, leaves] = collectTables(player, roots);
	const groups = collectPages(player, leaves);
	const byFrame = new Map();
	const rows = [tops, middles, leaves, groups];
	const above = [0, 116, 222, 328];
	rows.forEach((row, n) => row.forEach((box, i) => {
		box.order = i;
		box.namedBy = box.tables || (n === 0 ? [] :
			player.namers(box.frame).map((namer) => namer[0]));
		if (box.pages)
			sizeOfGroup(box);
		else
			Object.assign(box, { width: BOX, height: 60 });
	}));
	/* The roots are as far apart as what is under them needs. */
	const widest = Math.max(...rows.map((row) => row.reduce(
		(sum, box) => sum + box.width + GAP, 0)));
	tops.forEach((box, i) => {
		box.want = (i + 0.5) * widest / tops.length;
		box.y = above[0];
	});
	spread(tops);
	rows.forEach((row, n) => {
		if (n > 0)
			placeRow(row, byFrame, above[n]);
		for (const box of row)
			if (box.frame !== undefined)
				byFrame.set(box.frame, box);
	});
	const boxes = rows.flat();
	return { boxes, byFrame, left: Math.min(0, ...boxes.map((b) => b.x)),
		right: Math.max(300, ...boxes.map((b) => b.x + b.width)),
		bottom: Math.max(260, ...boxes.map((b) => b.y + b.height)) };
}

/* ---- The drawing ---- */

function escape(text) {
	return String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
}

function textAt(x, y, text, className) {
	return `<text x="${x}" y="${y}" class="${className || ""}">` +
		`${escape(text)}</text>`;
}

/* Frames whose count this step changes: frame -> what it was. */
function countsBefore(step) {
	const found = new Map(), counts = (step && step.counts) || [];
	for (let i = 0; i < counts.length; i += 3)
		if (counts[i + 1] !== counts[i + 2])
			found.set(counts[i], counts[i + 1]);
	return found;
}

function tablesChanged(step) {
	const found = new Set(), changes = (step && step.changes) || [];
	for (let i = 0; i < changes.length; i += 5)
		found.add(changes[i]);
	return found;
}

/* Frames that entries name since this step, and did not before. */
function framesNamed(step) {
	const found = new Set(), changes = (step && step.changes) || [];
	for (let i = 0; i < changes.length; i += 5)
		if (changes[i + 3] !== changes[i + 4])
			found.add(frameOf(changes[i + 4]));
	return found;
}

function badge(player, frame, x, y, before) {
	const count = player.count(frame);
	const text = before.has(frame) && before.get(frame) > 0 ?
		`${before.get(frame)}→${count}` : `${count}`;
	const width = text.length > 1 ? 34 : 18;
	return `<g class="badge${before.has(frame) ? " new" : ""}` +
		`${count > 1 ? " many" : ""}"><rect x="${x - width}" y="${y}" ` +
		`width="${width}" height="16" rx="8"/>` +
		textAt(x - width / 2, y + 12, text, "middle") + "</g>";
}

/* A strip with a mark for each entry of the table that is not EMPTY. */
function strip(player, box) {
	const width = (box.width - 16) / ENTRIES;
	const kinds = new Map();
	for (const [index, bits] of player.entriesOf(box.frame)) {
		const [kind, marks] = player.meaning(bits);
		const looks = kind === "PAGE" ? looksOf([kind, marks])[0] :
			kind.toLowerCase();
		const marked = kinds.get(looks) || [];
		marked.push(`M${(8 + index * width).toFixed(1)} 47v7`);
		kinds.set(looks, marked);
	}
	return `<rect x="8" y="47" width="${box.width - 16}" height="7" ` +
		`class="strip"/>` + [...kinds].map(([looks, marked]) =>
		`<path class="mark ${looks}" d="${marked.join("")}"/>`).join("");
}

/* How many entries of each kind, in words. */
function usedWords(player, frame) {
	const counts = {};
	for (const [, bits] of player.entriesOf(frame)) {
		const kind = player.meaning(bits)[0];
		counts[kind] = (counts[kind] || 0) + 1;
	}
	return Object.entries(counts).map(([kind, n]) => `${n} ${kind}`)
		.join(", ") || "empty";
}

function ownerWords(player, root) {
	const processes = player.processesIn(root);
	if (processes.length > 0)
		return processes.map((p) => `process ${p.pid}` +
			(p.name ? ` · ${p.name}` : "")).join(", ");
	const label = player.things.root.get(root).label;
	return label.startsWith("image") ? `frozen ${label}` : label;
}

function drawRoot(player, box, news) {
	const running = [...player.things.hart.entries()].find(([, hart]) =>
		player.processesIn(box.frame).some((p) => p.pid === hart.runs));
	const owner = ownerWords(player, box.frame) +
		(running ? ` ▶ hart ${running[0]}` : "");
	return textAt(box.width / 2, -9, owner, "owner middle") +
		drawTable(player, box, news);
}

function drawTable(player, box, news) {
	const name = box.level === 3 ? "root" : LEVEL_NAMES[box.level + 0];
	return `<rect class="box" width="${box.width}" height="${box.height}" ` +
		`rx="7"/>` + textAt(8, 18, `${name} ${hex(box.frame)}`, "name") +
		badge(player, box.frame, box.width - 6, 6, news.before) +
		textAt(8, 37, usedWords(player, box.frame), "small") +
		strip(player, box);
}

/* A page: each part shows what one of the entries that name it says. */
function drawPage(player, page, group, i, news) {
	const cell = group.cell;
	const x = 6 + (i % group.columns) * cell.width;
	const y = 22 + Math.floor(i / group.columns) * cell.height;
	const width = cell.width - 3, height = cell.height - 3;
	const part = width / page.namers.length;
	const seen = page.namers.map(([, , bits]) =>
		looksOf(player.meaning(bits)));
	const fresh = news.named.has(page.frame) ? " fresh" : "";
	const found = news.wanted === page.frame ? " found" : "";
	const title = `page ${hex(page.frame)}, count ` +
		`${player.count(page.frame)}: ${seen.map((s) => s[1]).join(", ")}`;
	let inside = seen.map(([looks], n) => {
		const place = `x="${(x + n * part).toFixed(1)}" y="${y}" ` +
			`width="${part.toFixed(1)}" height="${height}"/>`;
		return `<rect class="part ${looks}" ${place}` + (looks === "cow" ?
			`<rect fill="url(#hatch)" ${place}` : "");
	}).join("");
	if (cell === CELL) {
		const alike = seen.every((s) => s[1] === seen[0][1]);
		inside += textAt(x + width / 2, y + 14, hex(page.frame),
			"frame middle") + textAt(x + width / 2, y + 27,
			alike ? seen[0][1] : seen.map((s) => s[1]).join("|"),
			"looks middle");
	}
	return `<g class="page${fresh}${found}"><title>${escape(title)}</title>` +
		inside + `<rect class="edge" x="${x}" y="${y}" width="${width}" ` +
		`height="${height}" rx="3"/></g>`;
}

function drawGroup(player, group, news) {
	const count = group.pages.length;
	return `<rect class="box" width="${group.width}" ` +
		`height="${group.height}" rx="7"/>` +
		textAt(8, 15, count === 1 ? "page" : `${count} pages`, "small") +
		badge(player, group.pages[0].frame, group.width - 5, 3,
			news.before) +
		group.pages.map((page, i) =>
			drawPage(player, page, group, i, news)).join("");
}

/* The way of a line, and where on it a label stands. */
function lineBetween(from, to) {
	const x1 = from.x + from.width / 2, y1 = from.y + from.height;
	const x2 = to.x + to.width / 2, y2 = to.y;
	const middle = (y1 + y2) / 2;
	return {
		path: `M${x1.toFixed(1)} ${y1}C${x1.toFixed(1)} ${middle} ` +
			`${x2.toFixed(1)} ${middle} ${x2.toFixed(1)} ${y2}`,
		label: [(x1 * 0.3 + x2 * 0.7).toFixed(1), y1 * 0.4 + y2 * 0.6],
	};
}

/* A line from each entry above level 0, and from each table to its pages. */
function drawLines(player, plan, news) {
	const lines = [];
	const line = (from, to, looks, label, isNew) => {
		const way = lineBetween(from, to);
		lines.push(`<path class="line ${looks}${isNew ? " new" : ""}" ` +
			`d="${way.path}"><title>${escape(label)}</title></path>` +
			(looks === "lazy" ? textAt(...way.label, "LAZY",
				"lazy-label middle") : ""));
	};
	for (const box of plan.boxes) {
		for (const table of box.pages ? box.tables : []) {
			const from = plan.byFrame.get(table);
			const looks = box.pages.flatMap((page) => page.namers
				.filter((n) => n[0] === table)
				.map((n) => looksOf(player.meaning(n[2]))[0]));
			const alike = looks.every((l) => l === looks[0]);
			if (from)
				line(from, box, alike ? looks[0] : "mixed",
					`table ${hex(table)} names ` +
					`${box.pages.length} pages`,
					box.pages.some((p) => news.named.has(p.frame)) &&
					news.changed.has(table));
		}
		for (const [table, , bits] of box.pages || box.level === 3 ?
			[] : player.namers(box.frame)) {
			const from = plan.byFrame.get(table);
			const kind = player.meaning(bits)[0];
			if (from)
				line(from, box, kind.toLowerCase(),
					`${hex(table)} names ${hex(box.frame)}: ${kind}`,
					news.changed.has(table) &&
					news.named.has(box.frame));
		}
	}
	return lines.join("");
}

/* How many names of a table or page are in tables that are not shown. */
function namesElsewhere(player, plan, box) {
	if (box.level === 3)
		return 0;
	const frame = box.pages ? box.pages[0].frame : box.frame;
	return player.namers(frame).filter(([table]) =>
		!plan.byFrame.has(table)).length;
}

/* The label stands above a table and below pages, where no lines are. */
function drawElsewhere(player, plan, box) {
	const names = namesElsewhere(player, plan, box);
	return names === 0 ? "" : textAt(box.width - 4,
		box.pages ? box.height + 13 : -5,
		`${names} not shown`,
		"elsewhere small end");
}

/* A line from the original to its copy. */
function drawCopy(plan, step) {
	const placeOf = (frame) => {
		const box = plan.byFrame.get(frame) || plan.boxes.find((b) =>
			b.pages && b.pages.some((p) => p.frame === frame));
		return box && [box.x + box.width / 2, box.y + box.height];
	};
	const from = step && step.from && placeOf(step.from);
	const to = step && step.to && placeOf(step.to);
	if (!from || !to || from[0] === to[0])
		return "";
	/* The line goes below all boxes, so that it crosses none. */
	const deep = plan.bottom + 46;
	return `<path class="copy" marker-end="url(#arrow)" d="M${from[0]} ` +
		`${from[1]}C${from[0]} ${deep} ${to[0]} ${deep} ${to[0]} ` +
		`${to[1] + 3}"/>` + textAt((from[0] + to[0]) / 2, deep - 7,
		"copied", "copy-label middle");
}

/* A message: a line from process to process, above their boxes. */
function drawMessage(player, plan, step) {
	const boxOf = (pid) => plan.byFrame.get(
		(player.things.process.get(pid) || {}).root);
	if (!step || !step.peer || !boxOf(step.pid) || !boxOf(step.peer))
		return "";
	const [event, title] = player.film.kinds[step.kind];
	const ends = [step.pid, step.peer].map((pid) =>
		boxOf(pid).x + boxOf(pid).width / 2);
	const [from, to] = event === "request_taken" ? ends.reverse() : ends;
	return `<path class="copy" marker-end="url(#arrow)" d="M${from} -28` +
		`C${from} -62 ${to} -62 ${to} -30"/>` +
		textAt((from + to) / 2, -58, title, "copy-label middle");
}

/* The drawing in words: a line for each table and group. */
function describe(player, roots) {
	const plan = layout(player, roots);
	const names = (box) => {
		const elsewhere = namesElsewhere(player, plan, box);
		return box.namedBy.filter((frame) => plan.byFrame.has(frame))
			.map(hex).concat(elsewhere ?
				[`${elsewhere} not shown`] : []).join(" and ");
	};
	return plan.boxes.map((box) => {
		if (box.pages)
			return `${box.pages.length} pages, count ` +
				`${player.count(box.pages[0].frame)}, named by ` +
				`${names(box)}: ` + box.pages.map((page) =>
				`${hex(page.frame)} ` + page.namers.map((n) =>
					looksOf(player.meaning(n[2]))[1])
					.join(" and ")).join(", ");
		return (box.level === 3 ? `${ownerWords(player, box.frame)}: ` :
			"") + `${LEVEL_NAMES[box.level]} ${hex(box.frame)}, count ` +
			`${player.count(box.frame)}` + (box.level === 3 ? "" :
			`, named by ${names(box)}`) +
			`: ${usedWords(player, box.frame)}`;
	});
}

const DEFS = '<defs><pattern id="hatch" width="5" height="5" ' +
	'patternUnits="userSpaceOnUse" patternTransform="rotate(45)">' +
	'<path class="hatch" d="M0 0V5"/></pattern><marker id="arrow" viewBox="0 0 8 8" refX="6" refY="4" ' +
	'markerWidth="7" markerHeight="7" orient="auto"><path class="head" ' +
	'd="M0 0L8 4L0 8z"/></marker></defs>';

/*
 * The drawing as the inside of an SVG, with its size. `wanted` is a frame to be
 * shown.
 */
function drawTables(player, roots, wanted) {
	const step = player.step;
	const plan = layout(player, roots);
	const news = { before: countsBefore(step), changed: tablesChanged(step),
		named: framesNamed(step), wanted };
	const boxes = plan.boxes.map((box) => {
		const draw = box.pages ? drawGroup : box.level === 3 ? drawRoot :
			drawTable;
		const label = box.pages ? "pages" :
			`${LEVEL_NAMES[box.level]} ${hex(box.frame)}, count ` +
			`${player.count(box.frame)}: ` +
			usedWords(player, box.frame);
		const frozen = box.level === 3 &&
			player.processesIn(box.frame).length === 0;
		return `<g class="node level${box.level}` +
			`${news.changed.has(box.frame) ? " changed" : ""}` +
			`${news.named.has(box.frame) ? " fresh" : ""}` +
			`${wanted !== undefined && wanted === box.frame ?
				" found" : ""}${frozen ? " frozen" : ""}" ` +
			`data-key="${box.key || box.frame}" ` +
			`transform="translate(${box.x.toFixed(1)} ${box.y})">` +
			`<title>${escape(label)}</title>` +
			draw(player, box, news) +
			drawElsewhere(player, plan, box) + "</g>";
	}).join("");
	const copy = drawCopy(plan, step);
	const message = drawMessage(player, plan, step);
	return {
		inside: DEFS + drawLines(player, plan, news) + boxes + copy +
			message,
		box: [plan.left - 24, message ? -76 : -36,
			plan.right - plan.left + 48, plan.bottom +
				(copy ? 92 : 56) + (message ? 40 : 0)],
	};
}

if (typeof module !== "undefined")
	module.exports = { drawTables, rootsToShow, layout };
