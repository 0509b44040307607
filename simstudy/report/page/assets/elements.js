/* Elements of the page. What they say is always set as text, never as HTML. */

simstudy.elements = (() => {
  /* An element with attributes (`on...` listeners) and children, text or elements. */
  function element(tag, attributes = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, "");
      else if (value !== false && value != null) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  /* A list to choose from; options are {value, text, group}. */
  function choice(label, options, chosen, change) {
    const select = element("select", { onchange: () => change(select.value) });
    let group = null;
    for (const option of options) {
      const made = element("option", { value: option.value, selected: option.value === chosen }, option.text);
      if (option.group && (!group || group.label !== option.group)) {
        group = element("optgroup", { label: option.group });
        select.append(group);
      }
      (option.group ? group : select).append(made);
    }
    return element("label", { class: "choice" }, element("span", {}, label), select);
  }

  /* A box to tick; `mark` stands before its text. */
  function box(text, checked, change, mark = "") {
    const input = element("input", { type: "checkbox", onchange: () => change(input.checked) });
    input.checked = checked;
    return element("label", { class: "box" }, input, mark, element("span", { dir: "auto" }, text));
  }

  /* A button that copies a text, or selects it where that is not allowed. */
  function copier(source) {
    const button = element("button", { type: "button" }, "Copy");
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(source);
        button.textContent = "Selected";
      }
    });
    return button;
  }

  return { element, choice, box, copier };
})();
