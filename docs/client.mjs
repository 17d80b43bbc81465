/**
 * A client of Nomad Rooms for the app's back end: Node 20 or later, no dependencies.
 *
 *   const rooms = new NomadRooms("https://rooms.example.org", process.env.NOMAD_ROOMS_KEY);
 *   const { room_id } = await rooms.placeUser({ _id: "6172f1a95cd4", city: "Sevilla",
 *                                               interests: ["surf", "coffee"] });
 *
 * Every request of the API is idempotent. The client retries a request with the same body when it
 * gets no response (connection refused or reset, timeout) or status 502, 503 or 504.
 */

// The service answers 503; a router in front of it answers 502 or 504.
const RETRIED_STATUSES = new Set([502, 503, 504]);
const MAX_RETRY_AFTER_MS = 60_000;

/** An error response; `problem` is its problem document (RFC 9457). */
export class ProblemError extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `HTTP ${status}`);
    this.name = "ProblemError";
    this.status = status;
    this.problem = problem;
    /** "invalid", "no_interests", ...; "" for a problem of type about:blank. */
    this.kind = /^urn:nomad-rooms:(.*)$/.exec(problem.type)?.[1] ?? "";
    /** [{ path: "country", message: "must be ..." }] */
    this.errors = problem.errors ?? [];
  }
}

export class NomadRooms {
  /**
   * maxAttempts: requests per call; timeoutMs: limit for each of them.
   * initialDelayMs: delay before the first retry; it doubles with each retry, up to maxDelayMs.
   * onRetry(error, delayMs): called before each delay, for logging.
   */
  constructor(url, key, options = {}) {
    /** Without a slash at its end; the service may be behind a path. */
    this.url = new URL(url).href.replace(/\/+$/, "");
    // Created here, so that a key that a header cannot contain fails at once and is not retried.
    this.headers = new Headers({ authorization: `Bearer ${key}`, accept: "application/json" });
    this.options = {
      maxAttempts: 8, timeoutMs: 10_000, initialDelayMs: 250, maxDelayMs: 8_000,
      onRetry: () => {}, ...options,
    };
  }

  /** Put a user into their room: { _id, city | city_id, country, interests }. */
  async placeUser(user) {
    return this.request("POST", "/rooms", user);
  }

  /** Erase everything that is stored about a user. */
  async forgetUser(id) {
    await this.request("DELETE", `/users/${encodeURIComponent(id)}`);
  }

  /**
   * Read the moves after a cursor, in order. Calls `handle` for each move, and yields the cursor of
   * each page after its moves are handled, to be stored. Ends at the last page.
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

  /**
   * Yield the members of a room, in the order of their ids: { _id, joined_at, city }. Ends at the
   * last page. Members of a room that is merged meanwhile are still yielded once.
   *
   *   for await (const { _id } of rooms.readMembers(17)) console.log(_id);
   */
  async *readMembers(roomId, limit = 1000) {
    for (let after = ""; ; ) {
      const query = after && `after=${encodeURIComponent(after)}&`;
      const page = await this.request("GET", `/rooms/${roomId}/members?${query}limit=${limit}`);
      yield* page.items;
      if (page.items.length < limit) return;
      after = page.items.at(-1)._id;
    }
  }

  /** Send a request, with retries, and return the parsed response. Throws ProblemError. */
  async request(method, path, document) {
    const headers = new Headers(this.headers);
    // The same for all attempts, so that the service's log shows which belong together.
    headers.set("x-request-id", crypto.randomUUID());
    if (document !== undefined) headers.set("content-type", "application/json");
    const body = document === undefined ? undefined : JSON.stringify(document);
    for (let attempt = 1; ; attempt++) {
      const result = await this.#send(path, { method, headers, body });
      if ("document" in result) return result.document;
      if (!result.isRetryable || attempt >= this.options.maxAttempts) throw result.error;
      const delay = this.#delay(attempt, result.retryAfterMs ?? 0);
      this.options.onRetry(result.error, delay);
      await new Promise((resolve) => setTimeout(resolve, delay));
    }
  }

  async #send(path, request) {
    let response, text;
    try {
      const signal = AbortSignal.timeout(this.options.timeoutMs);
      response = await fetch(this.url + path, { ...request, signal });
      text = await response.text();
    } catch (error) {
      return { error, isRetryable: true };
    }
    if (response.ok) return { document: text ? JSON.parse(text) : null };
    const error = new ProblemError(response.status, parseProblem(response, text));
    const isRetryable = RETRIED_STATUSES.has(response.status);
    const retryAfterMs = 1000 * Number(response.headers.get("retry-after")) || 0;
    return { error, isRetryable, retryAfterMs };
  }

  /** Exponential backoff with jitter, so that clients do not retry at the same moment. */
  #delay(attempt, retryAfterMs) {
    const { initialDelayMs, maxDelayMs } = this.options;
    const delay = Math.min(maxDelayMs, initialDelayMs * 2 ** (attempt - 1));
    return Math.min(retryAfterMs, MAX_RETRY_AFTER_MS) + delay * (0.5 + Math.random() / 2);
  }
}

/** Return the problem document of a response; routers answer in HTML, which gets a minimal one. */
function parseProblem(response, text) {
  try {
    const problem = JSON.parse(text);
    if (problem && typeof problem === "object") return problem;
  } catch {
    // Not JSON.
  }
  return { type: "about:blank", title: response.statusText, status: response.status, errors: [] };
}
