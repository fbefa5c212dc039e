import { availableParallelism } from 'node:os'
import type { Place } from '../harness/places.js'
import { RAW_DESCRIPTIONS } from '../raw/protocols.js'
import { coatcheckAsStore, coatcheckOnRedis, coatcheckStore } from '../stores/coatcheck-stores.js'
import {
  connectRedis,
  lmdb,
  MEMORY_STORE,
  peers,
  rawCalls,
  SESSION_FILE_STORE,
} from '../stores/peer-stores.js'
import type { Store } from '../stores/store.js'
import { HOT_SAVES } from '../workloads/workload.js'
import { COLUMNS, type ComparedGroup, comparisonPlan } from './comparison.js'
import { saveTargets } from './save-targets.js'
import type { Section } from './section.js'
import { settingsFor } from './settings.js'
import { storeEntries } from './store-entries.js'

/** Saves and nothing else, beside the bare system calls that they come to. */
export const SAVE: Section = {
  name: 'save',
  summary: 'saves and what each costs, beside raw system calls, LMDB, Redis and memory',
  plan(context) {
    const { places } = context
    const here = new Set(peers().stores.map(({ name }) => name))
    const isHere = ({ name }: Store): boolean => here.has(name)
    const isQuick = context.thoroughness === 'quick'
    const group = (place: Place, stores: readonly Store[]): ComparedGroup => ({
      title: `${place.name === 'disk' ? 'On the disk' : 'In memory'} (${place.fileSystem.name})`,
      entries: storeEntries(stores, { places, place, workload: HOT_SAVES }),
      measures: COLUMNS,
      charts: ['perSecond', 'loopMicroseconds'],
    })
    const direct = [1, 2].map((threads) => coatcheckStore({ durability: 'direct', threads }))
    const files = [rawCalls(1), rawCalls(2), ...direct]
    const journals = [
      coatcheckStore({ durability: 'journal' }),
      coatcheckStore({ durability: 'journal', fsync: true }),
    ]
    const onDisk = isQuick
      ? [rawCalls(1), ...direct.slice(1), ...journals, ...[lmdb(false), lmdb(true)].filter(isHere)]
      : [
          ...files,
          coatcheckStore({ durability: 'direct', threads: 2, fsync: true }),
          ...journals,
          ...[lmdb(false), lmdb(true), connectRedis('none'), MEMORY_STORE, SESSION_FILE_STORE].filter(isHere),
          ...(isHere(connectRedis('none')) ? [coatcheckOnRedis()] : []),
        ]
    const inMemory = isQuick
      ? [rawCalls(1), ...direct.slice(0, 1)]
      : [
          ...files,
          ...(context.thoroughness === 'alone'
            ? [
                rawCalls(1, 'lean'),
                coatcheckStore({ durability: 'direct', threads: 2, sealed: true }),
                coatcheckAsStore('direct'),
              ]
            : []),
          SESSION_FILE_STORE,
        ]
    return comparisonPlan(context, {
      name: 'save',
      title: 'Saves alone',
      about: [
        `${HOT_SAVES.sessions} sessions of some 393 bytes as JSON, changed before each save; each caller has sessions of its own.`,
        `Raw system calls: Django's save as bare synchronous calls of worker threads, each on its own files in its own directory, the bytes made in advance: ${RAW_DESCRIPTIONS.django}.`,
        `This machine has ${availableParallelism()} processors; the event loop and the load need one of them.`,
      ],
      settings: settingsFor(context, { lengths: { run: { rounds: 4 } } }),
      groups: [
        group(places.disk, onDisk),
        ...(places.tmpfs === undefined ? [] : [group(places.tmpfs, inMemory)]),
      ],
      targets: saveTargets,
    })
  },
}
