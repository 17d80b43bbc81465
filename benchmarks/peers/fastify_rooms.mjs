// Fastify and pg.
import cluster from 'node:cluster'
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import { LRUCache } from 'lru-cache'
import pg from 'pg'
import { loadModel } from './prediction.mjs'

const { API_KEYS, DATABASE_URL, MODEL, POOL_SIZE, PORT, WEB_CONCURRENCY } = process.env
const FIND_CITY = `
  SELECT city.id, city.name, city.country_code AS country
  FROM city_names AS name JOIN cities AS city ON city.id = name.city_id
  WHERE name.name_key = $1 AND name.country_code = $2
  ORDER BY name.official DESC, name.population DESC LIMIT 1`
const FIND_ROOM = 'SELECT id FROM rooms WHERE city_id = $1 AND cluster_id = $2'
const CREATE_ROOM = `
  INSERT INTO rooms (city_id, cluster_id) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id`
const JOIN = readFileSync(new URL('join.sql', import.meta.url), 'utf8')
const FIND_MEMBER = `
  SELECT room_id, previous_room_id, false AS joined FROM memberships WHERE user_id = $1`
const BODY = {
  type: 'object',
  required: ['_id', 'city', 'interests'],
  properties: {
    _id: { type: 'string', pattern: '^[\\w.:~-]{1,64}$' },
    city: { type: 'string', minLength: 1, maxLength: 100, pattern: '\\S' },
    country: { type: 'string', pattern: '^[A-Z]{2}$', default: 'ES' },
    interests: { type: 'object', maxProperties: 256, additionalProperties: { type: 'boolean' } }
  }
}

pg.types.setTypeParser(pg.types.builtins.INT8, Number)
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(POOL_SIZE) })
const model = loadModel(MODEL)
const cities = new LRUCache({ max: 10_000, ttl: 5_000 })
const rooms = new LRUCache({ max: 50_000, ttl: 5_000 })
const digest = (text) => createHash('sha256').update(text).digest()
const keyDigest = digest(`Bearer ${API_KEYS}`)

// The first row of a statement that each connection prepares once.
async function first (name, text, ...values) {
  return (await pool.query({ name, text, values })).rows[0]
}

async function findCity (name, country) {
  const key = `${country} ${name}`
  let city = cities.get(key)
  if (!city) {
    city = await first('find_city', FIND_CITY, name, country)
    cities.set(key, city)
  }
  return city
}

async function findOrCreateRoom (...pair) {
  const cached = rooms.get(pair.join())
  if (cached) return { room: cached, created: false }
  let created
  let found = await first('find_room', FIND_ROOM, ...pair)
  if (!found) {
    created = await first('create_room', CREATE_ROOM, ...pair)
    found = created ?? await first('find_room', FIND_ROOM, ...pair)
  }
  rooms.set(pair.join(), found.id)
  return { room: found.id, created: Boolean(created) }
}

const app = Fastify({ logger: true, ajv: { customOptions: { coerceTypes: false } } })

app.get('/readyz', async () => pool.query('SELECT 1').then(() => 'ok'))

async function checkKey (request, reply) {
  if (!timingSafeEqual(digest(request.headers.authorization ?? ''), keyDigest)) {
    return reply.code(401).header('WWW-Authenticate', 'Bearer').send({ message: 'send a key' })
  }
}

app.post('/rooms', { onRequest: checkKey, schema: { body: BODY } }, async (request, reply) => {
  const { _id, city: name, country, interests: flags } = request.body
  const interests = Object.keys(flags).filter((key) => flags[key]).sort()
  const clusterId = model.predict(interests)
  if (!clusterId) return reply.code(422).send({ message: 'interests: select a known one' })
  const city = await findCity(name.trim().toLowerCase(), country)
  if (!city) return reply.code(422).send({ message: 'city: is unknown' })
  const { room, created } = await findOrCreateRoom(city.id, clusterId)
  const member = await first('join', JOIN, _id, city.id, room, interests, model.id) ??
    await first('find_member', FIND_MEMBER, _id)
  return reply.code(created ? 201 : 200).send({ _id, cluster: clusterId, city, created, ...member })
})

if (cluster.isPrimary && Number(WEB_CONCURRENCY) > 1) {
  for (let n = 0; n < Number(WEB_CONCURRENCY); n++) cluster.fork()
} else {
  await app.listen({ port: Number(PORT), host: '127.0.0.1' })
}
