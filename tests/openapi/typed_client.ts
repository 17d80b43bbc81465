// Uses docs/client.mjs with its types, as a package; see test_npm_tools.py.
import { NomadRooms, ProblemError, type Change, type Room } from "nomad-rooms";

declare const process: { env: Record<string, string> };
const rooms = new NomadRooms(process.env.ROOMS, process.env.KEY, { maxAttempts: 2 });
const room: Room = await rooms.placeUser({
  _id: "6172f1a95cd4",
  city: "Sevilla",
  interests: ["surf"],
});
let member = "";
for await (const { _id } of rooms.readMembers(room.room_id)) member = _id;
const moves: Change[] = [];
let stored = 0;
for await (const cursor of rooms.readChanges(0, (change) => void moves.push(change))) {
  stored = cursor;
}
let kind = "";
try {
  // @ts-expect-error: a user has a city, or its id
  await rooms.placeUser({ _id: "6172f1a95cd4", interests: { surf: true } });
} catch (error) {
  if (!(error instanceof ProblemError)) throw error;
  kind = error.kind;
}
await rooms.forgetUser(room._id);
console.log(JSON.stringify({ city: room.city.name, member, moves: moves.length, stored, kind }));
