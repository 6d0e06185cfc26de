/* SPDX-License-Identifier: MIT */
/*
 * view.js - the page: buttons, keys and the text about a step.
 */
"use strict";

const player = new Player(FILM);
const last = FILM.steps.length - 1;
const byId = (id) => document.getElementById(id);
const names = namesOf(FILM.steps);
/*
 * `order` is the steps that there are, without those of the system if they are
 * not asked for; `before` how many of these are before a step.
 */
const view = { all: false, system: false, order: [], before: [], moved: false, wanted: undefined, shown: new Set(), timer: null,
	box: null, home: null };
const GROUPS = { fork: "forks", table: "tables", page: "pages",
	free: "what is freed", range: "mappings", process: "processes",
	message: "messages", switch: "switches" };
const LIST = 13; /* steps in the list */

const kindOf = (step) => FILM.kinds[step.kind];
const isThere = (step) => view.system || !step.system;
const isShown = (step) => isThere(step) && view.shown.has(kindOf(step)[2]);

/* ---- One step ---- */

function go(n) {
	player.seek(Math.max(0, Math.min(n, last)));
	byId("slider").value = view.before[player.at];
	if (location.protocol !== "about:")
		history.replaceState(null, "", `#step=${names[player.at]}`);
	render();
}

/* The step of this name, or else the nearest step of the program. */
function stepCalled(name) {
	const n = names.indexOf(name);
	return n >= 0 ? n : view.order[view.order.length - 1];
}

/* The next of the steps that are shown. */
function move(direction) {
	view.moved = true;
	const n = player.find(player.at, direction, isShown);
	if (n >= 0)
		go(n);
	return n >= 0;
}

function facts(step) {
	const [file, name, line] = FILM.places[step.place];
	const found = [["source", `${file}:${line}, ${name}()`]];
	found.push(["cost", `${step.cost.toLocaleString("en")} ${FILM.unit}`]);
	if (step.whole)
		found.push(["in all", `${step.whole.toLocaleString("en")} ` +
			`${FILM.unit}, the whole ${step.trap}`]);
	if (step.address !== undefined)
		found.push(["address", `0x${hex(step.address)}`]);
	found.push(["process", step.pid ? `${step.pid}, on hart ${step.hart}` :
		`none, on hart ${step.hart}`]);
	if (step.closed)
		found.push(["closed", step.closed === 1 ? "1 entry" :
			`${step.closed} entries`]);
	if (step.freed)
		found.push(["freed", step.freed === 1 ? "1 frame" :
			`${step.freed} frames`]);
	found.push(["time", `${step.time.toLocaleString("en")} ${FILM.unit}`]);
	return found;
}

function element(name, text, attributes) {
	const made = document.createElement(name);
	made.textContent = text;
	for (const [key, value] of Object.entries(attributes || {}))
		made.setAttribute(key, value);
	return made;
}

function renderCaption(step) {
	byId("number").textContent = `step ${names[player.at]} of ` +
		names[view.order[view.order.length - 1]];
	byId("what").textContent = kindOf(step)[1];
	byId("text").textContent = step.text;
	byId("facts").replaceChildren(...facts(step).flatMap(([term, value]) =>
		[element("dt", term), element("dd", value)]));
	const rows = [], counts = step.counts || [];
	for (let i = 0; i < counts.length && rows.length < 12; i += 3) {
		const row = document.createElement("tr");
		const gone = counts[i + 1] > 0 && counts[i + 2] === 0;
		row.append(element("td", hex(counts[i])),
			element("td", counts[i + 1] || "–"),
			element("td", gone ? "free" : counts[i + 2]));
		rows.push(row);
	}
	if (counts.length > 36)
		rows.push(element("tr", `and ${counts.length / 3 - 12} more`));
	byId("counts").tBodies[0].replaceChildren(...rows);
	byId("counts").hidden = rows.length === 0;
	byId("hint").hidden = view.moved;
}

/* The shown steps around this one. */
function renderList() {
	const around = [player.at];
	for (let n = player.at; around.length < LIST && n >= 0;) {
		n = player.find(n, -1, isShown);
		if (n < 0 || around.length > LIST / 2)
			break;
		around.unshift(n);
	}
	for (let n = player.at; around.length < LIST;) {
		n = player.find(n, 1, isShown);
		if (n < 0)
			break;
		around.push(n);
	}
	byId("list").replaceChildren(...around.map((n) => {
		const step = FILM.steps[n];
		const item = element("li", "", { "data-step": n });
		item.append(element("span", names[n], { class: "n" }),
			`${kindOf(step)[1]} · ${step.text}`);
		if (n === player.at)
			item.setAttribute("aria-current", "step");
		return item;
	}));
}

/* ---- The picture ---- */

/* Boxes move slowly from their old places to the new ones. */
function glide(before) {
	if (matchMedia("(prefers-reduced-motion: reduce)").matches ||
		document.documentElement.dataset.still)
		return;
	for (const node of byId("picture").querySelectorAll(".node")) {
		const now = node.getAttribute("transform");
		const then = before.get(node.dataset.key);
		const css = (t) => t.replace(/\(([^ ]+) ([^)]+)\)/,
			"($1px, $2px)");
		if (then !== undefined && then !== now)
			node.animate([{ transform: css(then) },
				{ transform: css(now) }],
			{ duration: 280, easing: "ease-out" });
		else if (then === undefined && before.size > 0)
			node.animate([{ opacity: 0 }, { opacity: 1 }], 280);
	}
}

function renderPicture() {
	const picture = byId("picture");
	const before = new Map([...picture.querySelectorAll(".node")].map(
		(node) => [node.dataset.key, node.getAttribute("transform")]));
	const roots = rootsToShow(player, view.all, view.system);
	const drawing = drawTables(player, roots, view.wanted);
	picture.innerHTML = drawing.inside;
	view.home = drawing.box;
	setBox(view.box || drawing.box);
	picture.setAttribute("aria-label", `page tables of ${roots.length} ` +
		`address spaces after step ${names[player.at]}: ` +
		roots.map((root) => ownerWords(player, root)).join("; "));
	const more = rootsInOrder(player, view.system).length - roots.length;
	byId("words").querySelector("ul").replaceChildren(
		...describe(player, roots).map((line) => element("li", line)));
	byId("hidden").textContent = more > 0 ?
		`${more} address spaces are not shown` : "";
	glide(before);
}

function setBox(box) {
	byId("picture").setAttribute("viewBox", box.map((n) =>
		n.toFixed(1)).join(" "));
}

function zoom(factor, at) {
	const [x, y, width, height] = view.box || view.home;
	const [px, py] = at || [0.5, 0.5];
	view.box = [x + width * px * (1 - factor), y + height * py * (1 - factor),
		width * factor, height * factor];
	setBox(view.box);
}

function fit() {
	view.box = null;
	setBox(view.home);
}

/* The picture as a file of its own, with what its colours are. */
function pictureText() {
	const style = document.querySelector("style").textContent;
	const part = style.split("/*PICTURE-BEGIN*/")[1]
		.split("/*PICTURE-END*/")[0];
	const colours = getComputedStyle(document.documentElement);
	const plain = part.replace(/var\((--[a-z-]+)\)/g, (_, name) =>
		colours.getPropertyValue(name).trim());
	const [x, y, width, height] = view.home;
	return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${x} ${y} ` +
		`${width} ${height}" width="${Math.round(width)}">` +
		`<style>${plain}</style><rect x="${x}" y="${y}" width="${width}" ` +
		`height="${height}" fill="${colours.getPropertyValue("--paper")
			.trim()}"/>${byId("picture").innerHTML}</svg>\n`;
}

function save() {
	const link = document.createElement("a");
	link.href = URL.createObjectURL(new Blob([pictureText()],
		{ type: "image/svg+xml" }));
	link.download = `step-${names[player.at]}.svg`;
	link.click();
	URL.revokeObjectURL(link.href);
}

/* ---- All of it ---- */

function render() {
	renderCaption(player.step);
	renderPicture();
	renderList();
	renderNow();
}

/* ---- Buttons and keys ---- */

function play(on) {
	clearInterval(view.timer);
	view.timer = on ? setInterval(() => {
		if (!move(1))
			play(false);
	}, Number(byId("speed").value)) : null;
	byId("play").textContent = on ? "⏸ Pause" : "▶ Play";
	byId("play").setAttribute("aria-label", on ? "pause" : "play");
}

/* Is the step of a kind that is chosen? */
function isChosen(step) {
	const choice = byId("kind").value;
	if (choice === "closed" || choice === "freed")
		return step[choice] > 0;
	return kindOf(step)[0] === choice;
}

/* To the next step from `from` on that is wanted; false if there is none. */
function jump(direction, wanted, from = player.at) {
	const n = player.find(from, direction,
		(step) => isThere(step) && wanted(step));
	if (n >= 0)
		go(n);
	return n >= 0;
}

function search(direction) {
	const words = byId("search").value.trim();
	if (words === "")
		return;
	const number = parseInt(words, 16);
	view.wanted = number > 0xfffff ? Math.floor(number / 4096) : number;
	const about = (step) => isAbout(step, words);
	const found = jump(direction, about) || jump(direction, about,
		direction > 0 ? -1 : last + 1);
	byId("search").setAttribute("aria-invalid", String(!found));
	if (!found)
		render();
}

/* The first step that there is, or the last. */
function goToEnd(direction) {
	go(view.order[direction < 0 ? 0 : view.order.length - 1]);
}

/* Shows or hides the steps of the system. */
function showSystem(on) {
	view.system = on;
	byId("system").checked = on;
	orderSteps();
	fillKinds();
	renderLanes();
	go(isThere(player.step) ? player.at :
		view.order[Math.max(0, view.before[player.at] - 1)]);
}

function nextFork() {
	const isFork = (step) => kindOf(step)[0] === "space_forked" && step.pid;
	if (!jump(1, isFork))
		jump(1, (step) => kindOf(step)[0] === "space_forked");
}

function toggleTheme() {
	const root = document.documentElement;
	root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
}

const KEYS = {
	ArrowRight: () => move(1), ArrowLeft: () => move(-1),
	" ": () => play(view.timer === null),
	Home: () => goToEnd(-1), End: () => goToEnd(1),
	n: () => jump(1, isChosen), p: () => jump(-1, isChosen),
	f: nextFork, d: toggleTheme, s: () => byId("system").click(),
	"+": () => zoom(0.8), "-": () => zoom(1.25), 0: fit,
	"/": () => byId("search").focus(),
	"?": () => byId("help").showModal(),
};

function onKey(event) {
	const inField = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
	const action = KEYS[event.key];
	if (action === undefined || inField || event.ctrlKey || event.metaKey ||
		event.altKey || byId("help").open)
		return;
	/* A button that has the focus handles the space bar itself. */
	if (event.key === " " && event.target.tagName === "BUTTON")
		return;
	event.preventDefault();
	if (event.key.startsWith("Arrow"))
		play(false);
	action();
}

function listen() {
	const press = (id, action) => byId(id).addEventListener("click", action);
	press("first", () => goToEnd(-1));
	press("last", () => goToEnd(1));
	press("back", () => { play(false); move(-1); });
	press("forth", () => { play(false); move(1); });
	press("play", () => play(view.timer === null));
	press("jump", () => jump(1, isChosen));
	press("jump-back", () => jump(-1, isChosen));
	press("theme", toggleTheme);
	press("keys", () => byId("help").showModal());
	press("in", () => zoom(0.8));
	press("out", () => zoom(1.25));
	press("fit", fit);
	press("save", save);
	byId("speed").addEventListener("change", () =>
		play(view.timer !== null));
	byId("slider").addEventListener("input", (event) =>
		go(view.order[Number(event.target.value)]));
	byId("system").addEventListener("change", (event) =>
		showSystem(event.target.checked));
	byId("all").addEventListener("change", (event) => {
		view.all = event.target.checked;
		render();
	});
	byId("search").addEventListener("keydown", (event) => {
		if (event.key === "Enter")
			search(event.shiftKey ? -1 : 1);
		if (event.key === "Escape")
			event.target.blur();
	});
	byId("list").addEventListener("click", (event) => {
		const item = event.target.closest("li");
		if (item)
			go(Number(item.dataset.step));
	});
	byId("lanes").addEventListener("click", (event) => {
		const box = byId("lanes").firstChild.getBoundingClientRect();
		const part = (event.clientX - box.left - LABEL) /
			(box.width - LABEL);
		const n = Math.floor(part * view.order.length);
		go(view.order[Math.max(0, Math.min(n, view.order.length - 1))]);
	});
	document.addEventListener("keydown", onKey);
	addEventListener("resize", () => {
		renderLanes();
		renderNow();
	});
	listenToPicture();
}

/* The wheel zooms, a drag moves. */
function listenToPicture() {
	const picture = byId("picture");
	let grip = null;
	picture.addEventListener("wheel", (event) => {
		const box = picture.getBoundingClientRect();
		event.preventDefault();
		zoom(event.deltaY > 0 ? 1.12 : 0.89,
			[(event.clientX - box.left) / box.width,
				(event.clientY - box.top) / box.height]);
	}, { passive: false });
	picture.addEventListener("pointerdown", (event) => {
		grip = { x: event.clientX, y: event.clientY,
			box: view.box || view.home };
		picture.setPointerCapture(event.pointerId);
		picture.classList.add("grabbed");
	});
	picture.addEventListener("pointermove", (event) => {
		if (grip === null)
			return;
		const scale = Math.max(grip.box[2] / picture.clientWidth,
			grip.box[3] / picture.clientHeight);
		view.box = [grip.box[0] - (event.clientX - grip.x) * scale,
			grip.box[1] - (event.clientY - grip.y) * scale,
			grip.box[2], grip.box[3]];
		setBox(view.box);
	});
	picture.addEventListener("pointerup", () => {
		grip = null;
		picture.classList.remove("grabbed");
	});
}

/* ---- The beginning ---- */

function orderSteps() {
	view.order = [];
	view.before = FILM.steps.map((step, n) => isThere(step) ?
		view.order.push(n) - 1 : view.order.length);
	view.before.push(view.order.length);
	byId("slider").max = view.order.length - 1;
}

/* Fills the list of steps to which one can jump. */
function fillKinds() {
	const counts = FILM.kinds.map(() => 0), was = byId("kind").value;
	let closed = 0, freed = 0;
	for (const step of FILM.steps.filter(isThere)) {
		counts[step.kind]++;
		closed += step.closed > 0;
		freed += step.freed > 0;
	}
	const choices = FILM.kinds.map(([name, title], i) =>
		[name, `${title} (${counts[i]})`]);
	choices.push(["closed", `entries closed (${closed})`],
		["freed", `frames freed (${freed})`]);
	byId("kind").replaceChildren(...choices.map(([name, title]) =>
		element("option", title, { value: name })));
	byId("kind").value = was ||
		(FILM.kinds.some((k) => k[0] === "page_copied") ?
			"page_copied" : choices[0][0]);
}

function fillGroups() {
	const present = new Set(FILM.kinds.map((kind) => kind[2]));
	for (const [group, title] of Object.entries(GROUPS)) {
		if (!present.has(group))
			continue;
		const label = element("label", ""), box = element("input", "",
			{ type: "checkbox", "data-group": group });
		box.checked = group !== "switch";
		if (box.checked)
			view.shown.add(group);
		box.addEventListener("change", () => {
			view.shown[box.checked ? "add" : "delete"](group);
			renderList();
		});
		label.append(box, ` ${title}`);
		byId("groups").append(label);
	}
}

/* Tells the names of the servers, and that they are not shown at first. */
function nameSystem() {
	const found = livesOf(FILM.steps).filter((life) => life.system);
	const called = new Set(found.map((life) => life.name));
	byId("system-names").textContent = [...called].join(", ");
	view.system = FILM.steps.every((step) => step.system);
	byId("system").checked = view.system;
}

/* Begins at the step that the address names, or where a process forks. */
function begin() {
	const wanted = /step=([\w+]+)/.exec(location.hash);
	const theme = /theme=(\w+)/.exec(location.hash);
	document.documentElement.dataset.theme = theme ? theme[1] :
		matchMedia("(prefers-color-scheme: dark)").matches ?
			"dark" : "light";
	byId("title").textContent = FILM.title;
	document.title = `A film of ${FILM.title}`;
	nameSystem();
	orderSteps();
	fillKinds();
	fillGroups();
	renderLanes();
	listen();
	if (wanted) {
		go(stepCalled(wanted[1]));
		return;
	}
	goToEnd(-1);
	nextFork();
}

begin();
