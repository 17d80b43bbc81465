// Makes the pages quicker. They are whole without it: it sends the forms that a browser would send,
// and puts the page that answers in the place of the one that asked.

const PAUSE_MS = 120;
const SHORTEST = 2;
const countries = new Intl.DisplayNames([document.documentElement.lang], { type: "region" });

function nameCountries(page) {
  for (const place of page.querySelectorAll("[data-country]")) {
    place.textContent = countries.of(place.dataset.country);
  }
}

// The pattern is the ARIA Authoring Practices' "editable combobox with list autocomplete".
class CityField {
  constructor(box) {
    this.words = JSON.parse(box.dataset.words);
    this.input = box.querySelector("input");
    this.form = this.input.form;
    this.list = Object.assign(document.createElement("ul"), { id: "cities", hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", this.words.list);
    this.status = Object.assign(document.createElement("p"), { className: "spoken" });
    this.status.setAttribute("role", "status");
    box.append(this.list, this.status);
    const pattern = { role: "combobox", "aria-autocomplete": "list", "aria-controls": "cities" };
    for (const [name, value] of Object.entries(pattern)) this.input.setAttribute(name, value);
    this.close();
    this.input.addEventListener("input", () => this.wait());
    this.input.addEventListener("keydown", (event) => this.steer(event));
    this.input.addEventListener("blur", () => this.close());
    // Else the field would lose the focus, and close before the click.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.pick(option);
    });
  }

  wait() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.suggest(), PAUSE_MS);
  }

  async suggest() {
    this.asking?.abort();
    const typed = this.input.value.trim();
    if (typed.length < SHORTEST) return this.close();
    this.asking = new AbortController();
    try {
      const address = `/cities?q=${encodeURIComponent(typed)}`;
      const answer = await fetch(address, { signal: this.asking.signal });
      if (answer.ok) this.show((await answer.json()).items);
      else this.close();
    } catch {
      // Overtaken by the next letter, or no network: a typed name is as good.
    }
  }

  show(cities) {
    if (document.activeElement !== this.input) return;
    this.close();
    this.list.replaceChildren(...cities.map((city, number) => this.option(city, number)));
    const { one, many, none } = this.words;
    this.status.textContent =
      cities.length > 1 ? many.replace("{}", cities.length) : cities.length ? one : none;
    if (cities.length) {
      this.list.hidden = false;
      this.input.setAttribute("aria-expanded", "true");
    }
  }

  option(city, number) {
    const option = document.createElement("li");
    option.id = `city-${number}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.id = city.id;
    const parts = [city.name, city.region, countries.of(city.country)];
    option.dataset.label = parts.filter((part) => part).join(", ");
    // A city offered for another of its names would look like a mistake without it.
    const isOwn = city.matched.localeCompare(city.name, undefined, { sensitivity: "base" }) === 0;
    option.textContent = option.dataset.label + (isOwn ? "" : ` (${city.matched})`);
    return option;
  }

  steer(event) {
    if (event.isComposing) return;
    const { key } = event;
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      if (this.list.hidden) this.suggest();
      else this.point(key === "ArrowDown" ? 1 : -1);
    } else if (key === "Enter" && this.pointed) {
      event.preventDefault();
      this.pick(this.pointed);
    } else if (key === "Escape" && !this.list.hidden) {
      event.preventDefault();
      this.close();
    }
  }

  // The field itself is a stop between the last option and the first.
  point(step) {
    const options = [...this.list.children];
    const stops = options.length + 1;
    const next = (options.indexOf(this.pointed) + 1 + step + stops) % stops;
    this.pointed?.setAttribute("aria-selected", "false");
    this.pointed = options[next - 1];
    this.pointed?.setAttribute("aria-selected", "true");
    this.pointed?.scrollIntoView({ block: "nearest" });
    if (this.pointed) this.input.setAttribute("aria-activedescendant", this.pointed.id);
    else this.input.removeAttribute("aria-activedescendant");
  }

  pick(option) {
    this.input.value = option.dataset.label;
    this.form.elements.picked.value = option.dataset.id;
    this.form.elements.picked_as.value = option.dataset.label;
    this.close();
  }

  close() {
    clearTimeout(this.pause);
    this.asking?.abort();
    this.pointed = undefined;
    this.list.hidden = true;
    this.list.replaceChildren();
    this.status.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }
}

let busy = false;

async function send(form, button, words) {
  if (busy) return;
  busy = true;
  button.setAttribute("aria-disabled", "true");
  const told = document.querySelector("#answer");
  const key = form.elements.key?.value;
  try {
    const answer = await fetch(button.getAttribute("formaction") ?? form.action, {
      method: "POST",
      headers: { Accept: "text/html" },
      body: new URLSearchParams(new FormData(form, button)),
    });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = page.querySelector("main");
    if (!main) throw new Error(`${answer.status}, and no page`);
    nameCountries(main);
    document.title = page.title;
    document.querySelector("main").replaceWith(main);
    begin(main);
    // It lives in the field alone, as long as the page is open.
    if (key) main.querySelector("#key").value = key;
    main.querySelector("[autofocus]")?.focus();
  } catch {
    told.setAttribute("role", "alert");
    told.textContent = words.offline;
    button.removeAttribute("aria-disabled");
  } finally {
    busy = false;
  }
}

function begin(main) {
  const box = main.querySelector(".combobox");
  if (!box) return;
  const { form, words } = new CityField(box);
  // What is wrong is told by the service, in the page's language and not the browser's.
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, event.submitter ?? form.querySelector("button"), words);
  });
}

begin(document);
