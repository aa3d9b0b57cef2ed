// The control of a row that makes a part of its sound again, for models that can do that.
(function (desk) {
  "use strict";

  const LIMITS_S = [0.1, 60]; // of a part

  // Why this part cannot be made, as a sentence; "" if it can.
  desk.partProblem = (from, to, duration) => {
    const [shortest, longest] = LIMITS_S;
    if (from >= 0 && to <= duration && to - from >= shortest && to - from <= longest) return "";
    return `Write two times from 0 to ${duration}\u00a0seconds, the earlier one first, between ${shortest} and ${longest}\u00a0seconds apart.`;
  };

  desk.makePart = (id) => {
    const { state, transport } = desk;
    const { make, button } = desk.fields;
    const seconds = (label) => make("input", { type: "number", min: 0, step: 0.1, inputmode: "decimal", "aria-label": label,
      onkeydown: (event) => { if (event.key === "Enter") again(); } });
    const [from, to] = [seconds("Make again from, in seconds"), seconds("Make again to, in seconds")];
    const problem = make("p", { role: "alert" });
    const start = button("Make again", "Make this part again", again, { class: "small" });
    const whole = button("Leave it whole", "Leave the sound whole", () => set(null), { class: "small" });
    const node = make("div", { class: "part", role: "group", "aria-label": "Make a part again" },
      make("span", {}, "Make a part again"), make("div", {}, from, "to", to, "seconds", start, whole), problem);

    function set(part) {
      if (state.setPart(id, part)) desk.render();
      else problem.textContent = "This part is new already. For another one, change the times or press New take.";
    }

    function again() {
      const part = [from, to].map(({ value }) => (value === "" ? NaN : Number(value)));
      problem.textContent = desk.partProblem(...part, transport.duration());
      if (!problem.textContent) set(part);
    }

    let shown = "";
    function show(part) {
      node.hidden = !part && !state.canMakeParts();
      whole.hidden = !part;
      if (String(part) === shown) return; // what is being typed stays
      shown = String(part);
      [from.value, to.value] = part ?? ["", ""];
      problem.textContent = "";
    }

    return { node, show };
  };
})(globalThis.desk ??= {});
