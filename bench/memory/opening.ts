import { SessionEngine } from 'coatcheck'
import { buildTree } from '../tree/build-tree.js'
import { makeKeys } from '../workloads/keys.js'
import { makeSession } from '../workloads/session.js'
import type { Figure, MeasurementOptions } from './measurement.js'

const MOST_MILLISECONDS = 1_000
const LOOKED_UP = 100

/** How long it takes to open a directory that is full of sessions, and to get the first one of them. */
export async function measureOpening({ directory, amount }: MeasurementOptions): Promise<Figure[]> {
  const buildingFrom = performance.now()
  await buildTree(directory, amount)
  const building = (performance.now() - buildingFrom) / 1000
  const startedAt = performance.now()
  const engine = new SessionEngine({ directory })
  await engine.ready()
  const openedAt = performance.now()
  const keys = makeKeys(amount)
  const some = Array.from(
    { length: LOOKED_UP },
    (_, index) => keys[Math.floor((index * amount) / LOOKED_UP)] ?? '',
  )
  const lookingFrom = performance.now()
  const first = await engine.load(some[0] ?? '')
  const loadedAt = performance.now()
  const rest = await Promise.all(some.map((key) => engine.load(key)))
  await engine.save('one-more', makeSession(0))
  await engine.close()
  // An engine that found none of them would open fast, too.
  if (first === undefined || rest.includes(undefined)) throw new Error('sessions of the tree were not found')
  return [
    { name: `sessions on disk, made in ${building.toFixed(1)} s`, value: amount, unit: '' },
    {
      name: 'opening, from construction to ready',
      value: openedAt - startedAt,
      unit: 'ms',
      most: MOST_MILLISECONDS,
    },
    { name: 'the first load after it', value: loadedAt - lookingFrom, unit: 'ms' },
  ]
}
