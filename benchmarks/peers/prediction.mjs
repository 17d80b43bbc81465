// The rule of model/nnls.py and model/predict.py, on the tables that `write_tables` of
// benchmarks/peers/servers.py takes from it.
import { readFileSync } from 'node:fs'

const TOLERANCE = 1e-12
const TIE_RATIO = 1 - 1e-9

export function loadModel (path) {
  const { id, interests, clusterIds, units, scales, supports, tables } =
    JSON.parse(readFileSync(path))
  const positions = new Map(interests.map((key, position) => [key, position]))
  const products = (table, vector) =>
    table.map((row) => row.reduce((sum, value, i) => sum + value * vector[i], 0))

  // The number of the cluster; undefined where no interest is known.
  function predict (keys) {
    const known = keys.map((key) => positions.get(key)).filter((position) => position !== undefined)
    if (!known.length) return undefined
    const projections = units.map((row) => known.reduce((sum, j) => sum + row[j], 0))
    const floor = -TOLERANCE * Math.max(...projections)
    let best
    for (const [set, table] of tables.entries()) {
      const values = products(table, projections)
      const lowest = Math.min(...values)
      if (!best || lowest > best.lowest) best = { set, values, lowest }
      if (lowest >= floor) {
        best = { set, values, lowest }
        break
      }
    }
    const weights = best.values.map((value, i) =>
      supports[best.set][i] ? Math.max(value, 0) * scales[i] : 0)
    const tie = Math.max(...weights) * TIE_RATIO
    return clusterIds[weights.findIndex((weight) => weight >= tie)]
  }

  return { id, predict }
}
