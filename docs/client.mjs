/**
 * Nomad Rooms for the app's back end: Node 20 or later, no dependency.
 *
 *   const rooms = new NomadRooms("https://rooms.example.org", process.env.NOMAD_ROOMS_KEY);
 *   const { room_id } = await rooms.placeUser({ _id: "6172f1a95cd4", city: "Sevilla",
 *                                               interests: ["surf", "coffee"] });
 *
 * Every request of the API may be sent twice: the second changes nothing. So whatever got no answer
 * (connection refused, reset, too slow) or 502, 503 or 504 is sent again, with the same body.
 */

// 503 is the service's own; 502 and 504 come from a router in front of it.
const SENT_AGAIN = new Set([502, 503, 504]);

/** The service's answer was an error; `problem` is its problem document (RFC 9457). */
export class ProblemError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.name = "ProblemError";
    this.status = status;
    this.problem = problem;
    /** "invalid", "no_interests", ...; "" when the status says it all. */
    this.kind = /^urn:nomad-rooms:(.*)$/.exec(problem.type)?.[1] ?? "";
    /** [{ path: "country", message: "must be ..." }] */
    this.errors = problem.errors ?? [];
  }
}

export class NomadRooms {
  /**
   * tries: requests sent at the most for one call; timeoutMs: for each of them.
   * firstWaitMs doubles with every try, up to longestWaitMs.
   * onRetry(reason, waitMs): is told before each wait, for the log.
   */
  constructor(url, key, options = {}) {
    this.url = new URL(url);
    // Made here, so that a key that no header can hold fails now and not as "no connection".
    this.headers = new Headers({ authorization: `Bearer ${key}`, accept: "application/json" });
    this.options = {
      tries: 8, timeoutMs: 10_000, firstWaitMs: 250, longestWaitMs: 8_000, onRetry: () => {},
      ...options,
    };
  }

  /** Put a user into their room: { _id, city | city_id, country, interests }. */
  async placeUser(user) {
    return this.request("POST", "/rooms", user);
  }

  /** Erase all that is stored about a user. */
  async forgetUser(id) {
    await this.request("DELETE", `/users/${encodeURIComponent(id)}`);
  }

  /**
   * Read the moves after a cursor, in order: `handle` gets each, and the generator yields the
   * cursor of each page once it is handled, to be stored. Ends when there are no more for now.
   *
   *   for await (const cursor of rooms.readChanges(await load(), move)) await store(cursor);
   */
  async *readChanges(after, handle, limit = 1000) {
    for (;;) {
      const page = await this.request("GET", `/changes?after=${after}&limit=${limit}`);
      for (const change of page.items) await handle(change);
      after = page.next;
      if (page.items.length) yield after;
      if (page.items.length < limit) return;
    }
  }

  /** One request of the API, sent again until it is answered; throws ProblemError. */
  async request(method, path, document) {
    const headers = new Headers(this.headers);
    // The same for all tries: the service's log tells them together.
    headers.set("x-request-id", crypto.randomUUID());
    if (document !== undefined) headers.set("content-type", "application/json");
    const body = document === undefined ? undefined : JSON.stringify(document);
    for (let tried = 1; ; tried++) {
      const outcome = await this.#try(path, { method, headers, body });
      if ("answer" in outcome) return outcome.answer;
      if (!outcome.again || tried >= this.options.tries) throw outcome.error;
      const wait = this.#wait(tried, outcome.retryAfterMs ?? 0);
      this.options.onRetry(outcome.error, wait);
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  async #try(path, request) {
    let response, text;
    try {
      const signal = AbortSignal.timeout(this.options.timeoutMs);
      response = await fetch(new URL(path, this.url), { ...request, signal });
      text = await response.text();
    } catch (error) {
      return { error, again: true };
    }
    if (response.ok) return { answer: text ? JSON.parse(text) : null };
    const error = new ProblemError(response.status, parseProblem(response, text));
    const again = SENT_AGAIN.has(response.status);
    return { error, again, retryAfterMs: 1000 * Number(response.headers.get("retry-after")) || 0 };
  }

  /** Twice as long each time, a random part of it off, so that clients do not come back as one. */
  #wait(tried, retryAfterMs) {
    const { firstWaitMs, longestWaitMs } = this.options;
    const wait = Math.min(longestWaitMs, firstWaitMs * 2 ** (tried - 1));
    return Math.min(retryAfterMs, 60_000) + wait * (0.5 + Math.random() / 2);
  }
}

/** Routers answer in HTML: that is a problem document, too, if a bare one. */
function parseProblem(response, text) {
  try {
    const problem = JSON.parse(text);
    if (problem && typeof problem === "object") return problem;
  } catch {
    // Below.
  }
  return { type: "about:blank", title: response.statusText, status: response.status, errors: [] };
}
