/* SPDX-License-Identifier: MIT */
/*
 * lanes.js - processes over time: each has a lane, from its birth to its end,
 * blue where it is on a hart. System processes are shown if they are asked for.
 */
"use strict";

/* For each process: the steps in which it lives, ends, and runs. */
function livesOf(steps) {
	const lives = new Map(), runs = new Map();
	const endRun = (hart, n) => {
		const run = runs.get(hart);
		if (run && lives.has(run.pid))
			lives.get(run.pid).runs.push([run.from, n]);
		runs.delete(hart);
	};
	steps.forEach((step, n) => {
		for (const [kind, which, name, , value] of step.fields || []) {
			if (kind === "hart" && name === "runs") {
				endRun(which, n);
				if (value)
					runs.set(which, { pid: value, from: n });
			}
			if (kind !== "process")
				continue;
			if (!lives.has(which))
				lives.set(which, { pid: which, born: n,
					gone: steps.length, runs: [] });
			const life = lives.get(which);
			if (name === "parent" && value !== null)
				life.parent = value;
			if (name === "name" && value)
				life.name = value;
			/*
			 * An exec removes the mark. That it is removed at the end of
			 * the process does not count.
			 */
			if (name === "system" && life.gone > n)
				life.system = value !== null;
			if (name === "state" && value === "has ended")
				life.ended = n;
			if (name === "state" && value === null)
				life.gone = n;
		}
	});
	for (const hart of [...runs.keys()])
		endRun(hart, steps.length);
	return [...lives.values()];
}

const LANE = 17;
const LABEL = 128;

function renderLanes() {
	const lives = livesOf(FILM.steps).filter((life) =>
		view.system || !life.system);
	const rows = new Map(lives.map((life, i) => [life.pid, i]));
	const width = Math.max(320, byId("lanes").clientWidth - 36);
	/* A step that is not shown takes no room. */
	const x = (n) => (LABEL + view.before[n] /
		Math.max(1, view.order.length) * (width - LABEL)).toFixed(1);
	const y = (i) => i * LANE + 11;
	const line = (a, b, row, name) => `<line x1="${x(a)}" x2="${x(b)}" ` +
		`y1="${y(row)}" y2="${y(row)}" class="${name}"/>`;
	const parts = lives.map((life, i) => {
		const above = rows.get(life.parent);
		const end = life.ended === undefined ? life.gone : life.ended;
		return line(life.born, end, i, "life") +
			(life.ended === undefined ? "" :
				line(end, life.gone, i, "ending")) +
			life.runs.map(([a, b]) => line(a, b, i, "runs")).join("") +
			(above === undefined ? "" : `<path class="birth" d="M${
				x(life.born)} ${y(above)}V${y(i)}"/>`) +
			`<text x="0" y="${y(i) + 4}">${"\u00a0".repeat(2 *
				depth(lives, rows, life))}${life.pid} ${escape(
				life.name || "")}</text>`;
	});
	const height = Math.max(1, lives.length) * LANE + 6;
	byId("lanes").innerHTML = `<svg viewBox="0 0 ${width} ${height}" ` +
		`style="height:${height}px" ` +
		`role="img" aria-label="${lives.length} processes over ` +
		`${view.order.length} steps">${parts.join("")}` +
		`<line class="now" id="now" y1="0" y2="${height}"/></svg>`;
	view.x = x;
	view.rows = rows;
	/* The picture takes the room that is left: film.css. */
	document.documentElement.style.setProperty("--above",
		`${document.querySelector("main").offsetTop}px`);
}

function depth(lives, rows, life) {
	let found = 0;
	for (let at = life; rows.has(at.parent) && found < 6; found++)
		at = lives[rows.get(at.parent)];
	return found;
}

function renderNow() {
	const now = byId("now");
	now.setAttribute("x1", view.x(player.at));
	now.setAttribute("x2", view.x(player.at));
	const lanes = byId("lanes"), row = view.rows.get(player.step.pid);
	const top = (row || 0) * LANE;
	if (row !== undefined && (top < lanes.scrollTop ||
		top + 2 * LANE > lanes.scrollTop + lanes.clientHeight))
		lanes.scrollTop = top - lanes.clientHeight / 2;
}

