/* SPDX-License-Identifier: MIT */
/*
 * page_test.js - what a reader does with the page of a film, done by a script
 * in it. Each test returns nothing, or a sentence saying what was found.
 */
"use strict";

const press = (key) => document.dispatchEvent(
	new KeyboardEvent("keydown", { key, bubbles: true }));
const click = (id) => byId(id).click();
const drawn = () => byId("picture").innerHTML;
const expect = (got, wanted, what) => got === wanted ? undefined :
	`${what} is ${got}, not ${wanted}`;

function stepsOf(event) {
	return view.order.filter((n) =>
		kindOf(FILM.steps[n])[0] === event);
}

/*
 * How many entries the page shows to name a table, or each of a group of pages.
 */
function namesSeen(node) {
	const key = node.dataset.key, frame = hex(Number(key));
	const lines = [...document.querySelectorAll("#picture .line title")]
		.map((title) => title.textContent);
	const tables = key.replace("pages ", "").split(",");
	const more = node.querySelector(".elsewhere");
	return parseInt(more ? more.textContent : 0, 10) + (
		key.startsWith("pages") ? tables.filter((table) =>
			lines.some((line) => line.startsWith(
				`table ${hex(parseInt(table, 10))} names`))).length :
			lines.filter((line) =>
				line.includes(`names ${frame}:`)).length);
}

function namesThatThereAre(node) {
	const key = node.dataset.key;
	return key.startsWith("pages") ? key.split(",").length :
		player.count(Number(key));
}

const TESTS = {
	counts_are_those_of_the_kernel_forwards_and_backwards() {
		const said = FILM.steps.reduce((sum, step) =>
			sum + (step.said || []).length / 2, 0);
		return said < 50 ? `only ${said} counts were told` :
			player.check()[0];
	},

	pages_of_a_group_have_the_count_that_stands_beside_it() {
		for (let n = 0; n <= last; n += 20) {
			player.seek(n);
			const roots = rootsInOrder(player, true);
			for (const box of layout(player, roots).boxes) {
				const counts = new Set((box.pages || []).map(
					(page) => player.count(page.frame)));
				if (counts.size > 1)
					return `step ${n}: ${[...counts].join()}`;
			}
		}
	},

	what_is_shown_before_and_after_is_what_was_counted() {
		for (let n = 1; n <= last; n += 1) {
			const counts = FILM.steps[n].counts || [];
			for (const [at, which] of [[n - 1, 1], [n, 2]]) {
				player.seek(at);
				for (let i = 0; i < counts.length; i += 3)
					if (player.count(counts[i]) !==
						counts[i + which])
						return `step ${n}: frame ` +
							hex(counts[i]);
			}
		}
	},

	a_step_on_and_a_step_back_change_nothing() {
		const every = Math.ceil(last / 150);
		for (let n = 0; n < last; n += every) {
			go(n);
			const before = drawn() + byId("text").textContent;
			go(n + 1);
			go(n);
			if (drawn() + byId("text").textContent !== before)
				return `step ${n} is another one`;
		}
	},

	arrows_go_to_the_next_step_that_is_shown() {
		go(0);
		press("ArrowRight");
		const first = player.at;
		press("ArrowRight");
		press("ArrowLeft");
		if (player.at !== first || first < 1)
			return `it is at ${player.at}, not ${first}`;
		press("End");
		const end = player.at;
		press("Home");
		return expect(`${end} ${player.at}`,
			`${last} ${view.order[0]}`, "the end");
	},

	steps_that_are_not_shown_are_passed() {
		const boxes = [...document.querySelectorAll("[data-group]")];
		const were = boxes.map((box) => box.checked);
		boxes.forEach((box) => {
			if (box.checked !== (box.dataset.group === "fork"))
				box.click();
		});
		go(0);
		press("ArrowRight");
		const group = kindOf(player.step)[2];
		boxes.forEach((box, i) => {
			if (box.checked !== were[i])
				box.click();
		});
		return expect(group, "fork", "the next group");
	},

	each_kind_can_be_jumped_to() {
		for (const option of byId("kind").options) {
			byId("kind").value = option.value;
			go(0);
			const here = isChosen(player.step);
			press("n");
			if (!here && !isChosen(player.step) &&
				!option.textContent.includes("(0)"))
				return `${option.value} is not found`;
			const at = player.at;
			press("n");
			if (player.at > at) {
				press("p");
				if (player.at !== at)
					return `back to ${option.value}`;
			}
		}
	},

	an_address_and_a_frame_are_found() {
		const [copied] = stepsOf("page_copied");
		const step = FILM.steps[copied];
		for (const words of [`0x${hex(step.address)}`, hex(step.to)]) {
			go(0);
			byId("search").value = words;
			byId("search").dispatchEvent(new KeyboardEvent("keydown",
				{ key: "Enter" }));
			if (!isAbout(player.step, words) || player.at > copied)
				return `${words}: step ${player.at}`;
		}
		/* Behind the last one it goes on with the first. */
		go(last);
		byId("search").dispatchEvent(new KeyboardEvent("keydown",
			{ key: "Enter" }));
		if (player.at === last || !isAbout(player.step, byId("search").value))
			return `from the end: step ${player.at}`;
		go(copied);
		const found = document.querySelectorAll("#picture .found").length;
		byId("search").value = "";
		view.wanted = undefined;
		return expect(found, 1, "the number of boxes that stand out");
	},

	what_is_shared_is_drawn_once_with_a_line_from_each() {
		const at = stepsOf("space_forked").find((n) => FILM.steps[n].pid);
		go(at);
		const keys = [...document.querySelectorAll("#picture .node")]
			.map((node) => node.dataset.key);
		if (new Set(keys).size !== keys.length)
			return "something is drawn twice";
		const shared = [...player.names.keys()].filter((frame) =>
			player.count(frame) === 2 &&
			keys.includes(String(frame)));
		const lines = [...document.querySelectorAll("#picture .line title")]
			.map((title) => title.textContent);
		for (const frame of shared)
			if (lines.filter((line) =>
				line.includes(`names ${hex(frame)}:`)).length !== 2)
				return `table ${hex(frame)} has not two lines`;
		return shared.length > 0 ? undefined : "no table is shared";
	},

	each_name_has_a_line_or_is_counted_as_not_shown() {
		for (const n of view.order.filter((n, i) => i % 8 === 0)) {
			go(n);
			const found = [...document.querySelectorAll(
				"#picture .node:not(.level3)")].find((node) =>
				namesSeen(node) !== namesThatThereAre(node));
			if (found)
				return `step ${names[n]}: ${namesSeen(found)} ` +
					`names of ${found.dataset.key}`;
		}
	},

	what_the_system_does_is_shown_when_asked_for() {
		const lanes = () => byId("lanes").textContent;
		const roots = () => rootsToShow(player, true, view.system)
			.filter((root) => player.isSystem(root)).length;
		const seen = () => `${/console/.test(lanes())} ` +
			`${/files/.test(lanes())} ${roots() > 0} ` +
			view.order.some((n) => FILM.steps[n].system);
		go(stepsOf("space_forked")[0]);
		const before = seen();
		press("s");
		const asked = seen(), every = view.order.length;
		go(FILM.steps.findIndex((step) => step.system));
		press("s");
		if (every !== FILM.steps.length || player.step.system)
			return `of ${every} steps, at ${names[player.at]}`;
		return expect(`${before}, ${asked}`, "false false false false, " +
			"true true true true", "what is seen of it");
	},

	a_step_is_found_by_its_name() {
		const n = names.findIndex((name, i) => stepCalled(name) !== i);
		go(view.order[2]);
		return n >= 0 ? `${names[n]} is found elsewhere` :
			expect(byId("number").textContent,
				`step 2 of ${view.order.length - 1}`, "its name");
	},

	a_fork_copies_no_page_and_closes_what_it_shares() {
		const at = stepsOf("space_forked").find((n) => FILM.steps[n].pid);
		const step = FILM.steps[at];
		go(at);
		const kinds = new Set();
		for (let i = 0; i < step.changes.length; i += 5)
			kinds.add(player.meaning(step.changes[i + 4])[0]);
		return expect([...kinds].join(), "LAZY", "what a fork writes");
	},

	the_picture_grows_and_shrinks() {
		const box = () => byId("picture").getAttribute("viewBox");
		go(0);
		const home = box();
		press("+");
		const larger = box();
		press("0");
		render();
		if (larger === home)
			return "it does not grow";
		return expect(box(), home, "the picture");
	},

	words_stand_for_the_picture() {
		go(last);
		const label = byId("picture").getAttribute("aria-label");
		const mute = [...document.querySelectorAll("button, input, select")]
			.filter((control) => !control.getAttribute("aria-label") &&
				!control.textContent.trim() &&
				!control.closest("label"));
		if (mute.length > 0)
			return `${mute[0].outerHTML} has no name`;
		const bare = [...document.querySelectorAll("#picture .node")]
			.filter((node) => !node.querySelector("title"));
		if (bare.length > 0)
			return "a box has no title";
		return /process 1/.test(label) ? undefined : label;
	},

	dark_and_light_are_exchanged() {
		const ground = () => getComputedStyle(document.body).backgroundColor;
		const before = ground();
		press("d");
		const other = ground();
		press("d");
		if (other === before)
			return "nothing changes";
		return expect(ground(), before, "the ground");
	},

	the_saved_picture_needs_nothing_else() {
		const text = pictureText();
		const parsed = new DOMParser().parseFromString(text,
			"image/svg+xml");
		if (parsed.querySelector("parsererror"))
			return parsed.querySelector("parsererror").textContent;
		return /var\(|href/.test(text) ? "it refers to something" :
			undefined;
	},

	it_plays_and_pauses() {
		press(" ");
		const playing = view.timer !== null;
		press(" ");
		return playing && view.timer === null ? undefined :
			"the space bar does not do it";
	},

	the_page_needs_no_network() {
		const wanted = performance.getEntriesByType("resource");
		const outside = document.querySelectorAll(
			"script[src], link[href], img[src]");
		return wanted.length + outside.length === 0 ? undefined :
			"it loads something";
	},

	it_opens_and_steps_fast() {
		const opened = performance.timing.domInteractive -
			performance.timing.responseEnd;
		const start = performance.now();
		for (let i = 0; i < 50; i++)
			go(Math.floor(i * last / 50));
		const took = performance.now() - start;
		/* Limits so wide that a busy machine stays within them. */
		if (opened > 20000 || took > 20000)
			return `${opened} ms to open, ${took} ms for 50 steps`;
	},
};

function report() {
	const lines = [];
	document.documentElement.dataset.still = "yes";
	for (const [name, test] of Object.entries(TESTS)) {
		let found;
		try {
			found = test();
		} catch (error) {
			found = error.stack;
		}
		lines.push(found === undefined ? `ok ${name}` :
			`not ok ${name} # ${String(found).replace(/\s+/g, " ")}`);
	}
	const results = element("pre", lines.join("\n"), { id: "results" });
	document.body.append(results);
}

report();
