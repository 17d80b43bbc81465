// The types of client.mjs.

/** Selected interests: a list of their keys, or booleans by key. */
export type Interests = string[] | Record<string, boolean>;

/** A user to put into a room, with the city as typed or its id from `GET /cities`. */
export type User = {
  /** 1 to 64 of `A-Z a-z 0-9 . _ ~ : -`. */
  _id: string;
  /** ISO 3166-1 alpha-2 code: only cities of this country are considered. */
  country?: string | null;
  interests: Interests;
} & ({ city: string; city_id?: number | null } | { city?: string | null; city_id: number });

export interface City {
  id: number;
  name: string;
  country: string | null;
  /** Whether the city is in the gazetteer. */
  listed: boolean;
  kind: "city" | "area" | "placeless";
}

/** The user's room, the response to `POST /rooms`. */
export interface Room {
  _id: string;
  room_id: number;
  cluster: number;
  city: City;
  /** The larger city whose rooms the town shares. */
  hub: City | null;
  created: boolean;
  joined: boolean;
  previous_room_id: number | null;
  unknown_interests: string[];
  did_you_mean: City[];
}

/** A move that the app did not request. */
export interface Change {
  id: number;
  user_id: string;
  from_room: number;
  to_room: number;
  reason: "merge" | "unmerge" | "gather" | "release" | "reassign" | "import";
  /** ISO 8601, in UTC. */
  at: string;
}

/** A member of a room. */
export interface Member {
  _id: string;
  /** When they joined the room: ISO 8601, in UTC. */
  joined_at: string;
  /** The city that they gave. */
  city: City;
}

/** A problem document (RFC 9457); one from a router has no `detail` and no `request_id`. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
  errors: { path: string; message: string }[];
  request_id?: string;
}

/** An error response. */
export class ProblemError extends Error {
  constructor(status: number, problem: Problem);
  status: number;
  problem: Problem;
  /** "invalid", "no_interests", ...; "" for a problem of type about:blank. */
  kind: string;
  errors: Problem["errors"];
}

export interface Options {
  /** Requests per call. */
  maxAttempts?: number;
  /** Limit for each request. */
  timeoutMs?: number;
  /** Delay before the first retry; it doubles with each retry, up to `maxDelayMs`. */
  initialDelayMs?: number;
  maxDelayMs?: number;
  /** Called before each delay, for logging. */
  onRetry?: (error: Error, delayMs: number) => void;
}

export class NomadRooms {
  constructor(url: string | URL, key: string, options?: Options);
  /** Put a user into their room. */
  placeUser(user: User): Promise<Room>;
  /** Erase everything that is stored about a user. */
  forgetUser(id: string): Promise<void>;
  /** Read the moves after a cursor, in order; yields the cursor of each page, to be stored. */
  readChanges(
    after: number,
    handle: (change: Change) => unknown,
    limit?: number,
  ): AsyncGenerator<number, void, void>;
  /** Yield the members of a room, in the order of their ids. */
  readMembers(roomId: number, limit?: number): AsyncGenerator<Member, void, void>;
  /** Send a request, with retries, and return the parsed response. Throws ProblemError. */
  request(method: string, path: string, document?: unknown): Promise<unknown>;
}
