// Form controls that show a value of the document and change it. Each has `show(value)`, which leaves the control alone
// while it says the same, so that nothing that is being typed is overwritten.
(function (desk) {
  "use strict";

  function make(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name.startsWith("aria-")) node.setAttribute(name, value); // with the value "true" or "false"; other booleans are set or not
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null));
    return node;
  }

  const isSame = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  function text(label, longest, write, attributes = {}, { read = (typed) => typed, print = (value) => value } = {}) {
    const input = make(attributes.rows ? "textarea" : "input", {
      maxlength: longest, "aria-label": label, autocomplete: "off", spellcheck: "true", ...attributes,
      oninput: () => { write(read(input.value)); fit(); },
      onblur: desk.state.seal,
    });
    const fit = () => {
      if (!attributes.rows) return;
      input.style.height = "auto";
      input.style.height = `${input.scrollHeight + 2}px`;
    };
    if (attributes.rows) new ResizeObserver(fit).observe(input); // also when its tab is shown
    const show = (value) => {
      if (!isSame(read(input.value), value)) input.value = print(value);
      fit();
    };
    return { node: input, show };
  }

  function slider(label, [low, high], step, words, write, { toShare = (value) => value, toValue = (share) => share, ...attributes } = {}) {
    const output = make("output");
    const input = make("input", {
      type: "range", min: low, max: high, step, "aria-label": label, ...attributes,
      oninput: () => write(toValue(Number(input.value))),
      onpointerdown: desk.state.seal, // each drag is a step of undo
      onblur: desk.state.seal,
    });
    const show = (value) => {
      if (toValue(Number(input.value)) !== value) input.value = toShare(value);
      input.style.setProperty("--share", `${(100 * (input.value - low)) / (high - low)}%`);
      input.setAttribute("aria-valuetext", words(value));
      output.textContent = words(value);
    };
    return { node: input, output, show };
  }

  function choice(label, options, write) {
    const select = make("select", { "aria-label": label, onchange: () => write(select.value) },
      ...options.map(([value, words]) => make("option", { value }, words)));
    return { node: select, show: (value) => { select.value = value; } };
  }

  function toggle(letters, label, press) {
    const button = make("button", { type: "button", class: "toggle", title: label, "aria-label": label, onclick: press }, letters);
    return { node: button, show: (pressed, name = label) => {
      button.setAttribute("aria-pressed", pressed);
      button.setAttribute("aria-label", name);
      button.title = name;
    } };
  }

  const button = (words, label, press, attributes = {}) => make("button",
    { type: "button", "aria-label": label, title: label, onclick: press, ...attributes }, words);

  const labelled = (words, ...nodes) => make("label", {}, make("span", {}, words), ...nodes);

  desk.fields = { make, text, slider, choice, toggle, button, labelled };

  desk.words = {
    decibels(gain) {
      const rounded = Math.round(gain * 10) / 10;
      return `${rounded > 0 ? "+" : rounded < 0 ? "−" : ""}${Math.abs(rounded).toFixed(rounded % 1 ? 1 : 0)}\u00a0dB`;
    },
    metres: (distance) => `${distance < 10 ? distance.toFixed(1).replace(/\.0$/, "") : Math.round(distance)}\u00a0m`,
    side: (pan) => (Math.abs(pan) < 0.02 ? "centre" : `${Math.round(Math.abs(pan) * 100)}\u00a0% ${pan < 0 ? "left" : "right"}`),
  };

  // Say something to screen readers, once.
  let speaker = null;
  desk.say = (words) => {
    if (!speaker) {
      speaker = make("div", { class: "said", role: "status" });
      document.body.append(speaker);
    }
    speaker.textContent = words;
  };
})(globalThis.desk ??= {});
