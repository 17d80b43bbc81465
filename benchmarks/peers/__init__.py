"""What people would pick instead: the same job in one file each, in three stacks.

Each peer serves `POST /rooms` on the service's tables: it checks a key, validates the body,
predicts the cluster, finds the city, finds or creates the room, puts the user into it, and logs the
request. Fair to both sides:

- They predict exactly as the service does: in Python with its package `model`, in JavaScript with a
  port that reads the same tables. A cached cluster would be no prediction, since the load sends two
  profiles.
- FastAPI and Fastify run `join.sql`, the service's upsert without what protects it while rooms
  move, and like the service keep cities and rooms for 5 seconds, so that a first join is one
  statement. Flask with an ORM session is written as its tutorials do: it reads, changes objects and
  commits, without a cache.
- They do less: no typed places beyond a city's exact name, no merged cities or hubs, no metrics, no
  problem documents, no retry when the database fails.
- Processes, threads and database connections are as many as the service's.
"""
