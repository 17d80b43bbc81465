// What the test does with a client of openapi-fetch, in steps; see test_npm_tools.py.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema.js";

declare const process: { env: Record<string, string>; argv: string[] };
const { ROOMS, KEY } = process.env;
const [step, argument] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl: ROOMS, headers: { Authorization: `Bearer ${KEY}` } });
const _id = "6172f1a95cd4";
const user: components["schemas"]["RoomRequest"] = {
  _id,
  city: "Sevilla",
  interests: ["surf", "coffee"],
};

async function place(): Promise<unknown> {
  const { data } = await client.POST("/rooms", { body: user });
  const { error } = await client.POST("/rooms", { body: { ...user, city: "---" } });
  const flags = { theaters: true, surf: false };
  const prediction = await client.POST("/cluster", { body: { _id, interests: flags } });
  return {
    room: data?.room_id,
    city: data?.city.name,
    problem: error && [error.type, error.errors[0]?.path],
    cluster: prediction.data?.cluster,
  };
}

async function read(merged: number): Promise<unknown> {
  const moved = await client.GET("/rooms/{room_id}", { params: { path: { room_id: merged } } });
  const shown = await client.GET("/users/{user_id}", {
    params: { path: { user_id: _id }, query: { explain: true } },
  });
  const changes = await client.GET("/changes", { params: { query: { after: 0 } } });
  const after = changes.data?.next_after;
  const rest = await client.GET("/changes", { params: { query: { after } } });
  const rooms = await client.GET("/rooms", { params: { query: { limit: 1 } } });
  return {
    room: moved.data?.room_id,
    shares: Object.keys(shown.data?.explanation?.shares ?? {}).sort(),
    reasons: changes.data?.items.map((change) => change.reason),
    left: rest.data?.items.length,
    next: rooms.data?.next_after,
  };
}

console.log(JSON.stringify(await (step === "place" ? place() : read(Number(argument)))));
