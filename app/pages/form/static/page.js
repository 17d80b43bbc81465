// Sends the forms without a page load, and replaces <main> by that of the page in the response. The
// pages work without this script.

const DEBOUNCE_MS = 120;
const MIN_QUERY_LENGTH = 2;
// The service answers within 10 s; the rest is for a slow network.
const TIMEOUT_MS = 20_000;
const countries = new Intl.DisplayNames([document.documentElement.lang], { type: "region" });

// The "editable combobox with list autocomplete" of the ARIA Authoring Practices.
class CityField {
  constructor(box) {
    this.texts = JSON.parse(box.dataset.texts);
    this.input = box.querySelector("input");
    this.form = this.input.form;
    this.list = Object.assign(document.createElement("ul"), { id: "cities", hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.texts.list);
    this.status = Object.assign(document.createElement("p"), { className: "visually-hidden" });
    this.status.setAttribute("role", "status");
    box.append(this.list, this.status);
    const attributes = { role: "combobox", "aria-autocomplete": "list", "aria-controls": "cities" };
    for (const [name, value] of Object.entries(attributes)) this.input.setAttribute(name, value);
    this.close();
    this.input.addEventListener("input", () => this.scheduleSuggest());
    this.input.addEventListener("keydown", (event) => this.handleKey(event));
    this.input.addEventListener("blur", () => this.close());
    // Without this, the field would lose the focus and close before the click.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.pick(option);
    });
  }

  scheduleSuggest() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.suggest(), DEBOUNCE_MS);
  }

  async suggest() {
    this.request?.abort();
    const query = this.input.value.trim();
    if (query.length < MIN_QUERY_LENGTH) return this.close();
    this.request = new AbortController();
    try {
      const url = `/cities?q=${encodeURIComponent(query)}`;
      const response = await fetch(url, { signal: this.request.signal });
      if (response.ok) this.show((await response.json()).items);
      else this.close();
    } catch {
      // Aborted by the next key, or no network: the service also accepts a typed name.
    }
  }

  show(cities) {
    if (document.activeElement !== this.input) return;
    this.close();
    this.list.replaceChildren(...cities.map((city, index) => this.option(city, index)));
    const { one, many, none } = this.texts;
    this.status.textContent =
      cities.length > 1 ? many.replace("{}", cities.length) : cities.length ? one : none;
    if (cities.length) {
      this.list.hidden = false;
      this.input.setAttribute("aria-expanded", "true");
    }
  }

  option(city, index) {
    const option = document.createElement("li");
    option.id = `city-${index}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.id = city.id;
    const names = [city.name, city.region, countries.of(city.country)];
    option.dataset.label = names.filter((name) => name).join(", ");
    // A city that matched by another of its names would look like a mistake without that name.
    const isOwn = city.matched.localeCompare(city.name, undefined, { sensitivity: "base" }) === 0;
    option.textContent = option.dataset.label + (isOwn ? "" : ` (${city.matched})`);
    return option;
  }

  handleKey(event) {
    if (event.isComposing) return;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.suggest();
      else this.moveActive(key === "ArrowDown" ? 1 : -1);
    } else if (key === "Enter" && this.active) {
      event.preventDefault();
      this.pick(this.active);
    } else if (key === "Escape") {
      // Also before the suggestions have come.
      if (!this.list.hidden) event.preventDefault();
      this.close();
    }
  }

  // No option is active between the last and the first: the input itself is then.
  moveActive(step) {
    const options = [...this.list.children];
    const count = options.length + 1;
    const next = (options.indexOf(this.active) + 1 + step + count) % count;
    this.active?.setAttribute("aria-selected", "false");
    this.active = options[next - 1];
    this.active?.setAttribute("aria-selected", "true");
    this.active?.scrollIntoView({ block: "nearest" });
    if (this.active) this.input.setAttribute("aria-activedescendant", this.active.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  pick(option) {
    this.input.value = option.dataset.label;
    this.form.elements.picked.value = option.dataset.id;
    this.form.elements.picked_as.value = option.dataset.label;
    this.close();
    showPeople(option.dataset.id);
  }

  close() {
    clearTimeout(this.timer);
    this.request?.abort();
    this.active = undefined;
    this.list.hidden = true;
    this.list.replaceChildren();
    this.status.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

async function fetchPage(url, options = {}) {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(url, { headers: { Accept: "text/html" }, signal, ...options });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (!page.querySelector("main")) throw new Error(`status ${response.status} without a page`);
  return page;
}

// Beside the empty form: how many people are in the rooms of a city. Without it the page is whole.
async function showPeople(city) {
  if (!document.querySelector("#result .bubbles")) return;
  const url = new URLSearchParams({ city_id: city, language: document.documentElement.lang });
  const page = await fetchPage(`/?${url}`).catch(() => null);
  // Meanwhile the form may have been answered.
  const shown = document.querySelector("#result:has(.bubbles)");
  if (shown && page) shown.replaceChildren(...page.querySelector("#result").childNodes);
}

let isSending = false;

async function send(form, button, texts) {
  if (isSending) return;
  isSending = true;
  form.querySelector("[role=alert]")?.remove();
  const body = new URLSearchParams(new FormData(form, button));
  const { textContent: label } = button;
  button.setAttribute("aria-disabled", "true");
  button.setAttribute("aria-busy", "true");
  // The button that erases has an address of its own.
  if (!button.hasAttribute("formaction")) {
    button.textContent = form.querySelector("[role=status]").textContent = texts.busy;
  }
  const key = form.elements.key?.value;
  try {
    const page = await fetchPage(button.getAttribute("formaction") ?? form.action, {
      method: "POST",
      body,
    });
    const main = page.querySelector("main");
    document.title = page.title;
    document.querySelector("main").replaceWith(main);
    enhance(main);
    // The key is kept only in the field, while the page is open.
    if (key) main.querySelector("#key").value = key;
    main.querySelector("[autofocus]")?.focus();
    // On a phone the focus alone would leave the answer at the lower edge of the screen.
    const isBeside = getComputedStyle(main.querySelector("#result")).position === "sticky";
    if (!isBeside) main.querySelector("#answer")?.scrollIntoView();
  } catch (error) {
    const alert = Object.assign(document.createElement("p"), { className: "error" });
    alert.setAttribute("role", "alert");
    alert.textContent = error.name === "TimeoutError" ? texts.slow : texts.offline;
    button.before(alert);
    alert.scrollIntoView({ block: "nearest" });
    button.removeAttribute("aria-disabled");
    button.removeAttribute("aria-busy");
    button.textContent = label;
    // Interests that were chosen meanwhile are counted.
    form.dispatchEvent(new Event("change"));
  } finally {
    isSending = false;
  }
}

function countChosen(form) {
  const button = form.querySelector(".submit button");
  const text = button.textContent;
  function update() {
    if (button.hasAttribute("aria-busy")) return;
    const count = form.querySelectorAll("[name=interests]:checked").length;
    const { chosen, oneChosen } = button.dataset;
    const counted = count === 1 ? oneChosen : chosen.replace("{}", count);
    button.textContent = count ? `${text} · ${counted}` : text;
  }
  form.addEventListener("change", update);
  update();
}

// A room's id, or the link to share, which a phone hands to its apps.
function offerCopies(main) {
  for (const control of main.querySelectorAll("[data-copied]")) {
    const status = Object.assign(document.createElement("span"), { className: "visually-hidden" });
    status.setAttribute("role", "status");
    control.after(status);
    control.hidden = false;
    if (control.dataset.copy) control.previousElementSibling.hidden = true;
    control.addEventListener("click", async (event) => {
      event.preventDefault();
      try {
        if (control.href && navigator.share) return await navigator.share({ url: control.href });
        await navigator.clipboard.writeText(control.dataset.copy ?? control.href);
        control.textContent = status.textContent = control.dataset.copied;
      } catch (error) {
        // No clipboard, or none for pages without TLS: the text is shown, to be selected.
        if (error.name === "AbortError") return;
        if (control.href) return location.assign(control.href);
        control.previousElementSibling.hidden = false;
        getSelection().selectAllChildren(control.previousElementSibling.lastElementChild);
      }
    });
  }
}

function enhance(main) {
  const box = main.querySelector(".combobox");
  if (!box) return;
  const { form, texts } = new CityField(box);
  countChosen(form);
  offerCopies(main);
  // The service validates the form: its messages are in the page's language, not the browser's.
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, event.submitter ?? form.querySelector(".submit button"), texts);
  });
}

enhance(document);
