import { availableParallelism } from 'node:os'
import { type CoatcheckStoreOptions, coatcheckStore } from '../stores/coatcheck-stores.js'
import { lmdb, peers, rawCalls } from '../stores/peer-stores.js'
import type { Store } from '../stores/store.js'
import { HOT_SAVES, KEYS, type WorkloadDescription } from '../workloads/workload.js'
import { type ComparedGroup, comparisonPlan } from './comparison.js'
import type { Section, SectionContext, Thoroughness } from './section.js'
import { settingsFor } from './settings.js'
import { type StoreEntry, storeEntries } from './store-entries.js'

const MOST_CALLERS = 4_096
/** How many points there is time for. */
type Points = Readonly<Record<Thoroughness, readonly number[]>>

const SIZES: Points = {
  alone: [100, 1_000, 4_000, 16_000, 64_000],
  run: [100, 1_000, 16_000, 64_000],
  quick: [100, 16_000],
}
const CALLERS: Points = {
  alone: [1, 8, 64, 512, MOST_CALLERS],
  run: [1, 8, 64, MOST_CALLERS],
  quick: [1, 512],
}
const THREADS: Points = { alone: [1, 2, 3, 4], run: [1, 2, 4], quick: [1, 4] }
const RATES = [2_000, 10_000, 30_000, 100_000]
/** More than `direct` can do on two processors. */
const MOST_DIRECT = 30_000

interface Point {
  readonly at: number
  readonly label: string
  readonly store: Store
  readonly workload?: WorkloadDescription
  readonly callers?: number
  readonly perSecond?: number
}

interface Curve {
  readonly name: string
  readonly where: 'tmpfs' | 'disk'
  readonly points: readonly Point[]
}

/** What a save costs against threads, size, callers and how often there is one. */
export const CURVES: Section = {
  name: 'curves',
  summary: 'what a save costs against threads, the size of a session, callers, and how often there is one',
  plan(context) {
    // A whole run has no time for them.
    const hasRates = context.thoroughness === 'alone'
    const some = (points: Points): readonly number[] => points[context.thoroughness]
    return comparisonPlan(context, {
      name: 'curves',
      title: `What a save costs against threads, size${hasRates ? ', callers and how often there is one' : ' and callers'}`,
      about: [
        `Sessions of some 393 bytes as JSON where nothing else is said. This machine has ${availableParallelism()} processors; the event loop and the load need one of them.`,
      ],
      settings: settingsFor(context, { lengths: { run: { rounds: 3, warmUp: 0.5, seconds: 0.25 } } }),
      groups: [
        group(context, 'Threads', { title: 'threads', unit: 'threads' }, [
          threadCurve('direct, tmpfs', 'tmpfs', some(THREADS), (threads) =>
            coatcheckStore({ durability: 'direct', threads }),
          ),
          threadCurve('raw system calls, tmpfs', 'tmpfs', some(THREADS), (threads) => rawCalls(threads)),
          threadCurve('direct, disk', 'disk', some(THREADS), (threads) =>
            coatcheckStore({ durability: 'direct', threads }),
          ),
        ]),
        group(context, 'Bytes of a session as JSON', { title: 'size', unit: 'bytes' }, [
          sizeCurve('direct, tmpfs', 'tmpfs', some(SIZES), { durability: 'direct' }),
          sizeCurve('journal, disk', 'disk', some(SIZES), { durability: 'journal' }),
        ]),
        group(context, 'Callers', { title: 'callers', unit: 'callers' }, [
          callerCurve('direct, tmpfs', 'tmpfs', some(CALLERS), { durability: 'direct' }),
          callerCurve('journal, disk', 'disk', some(CALLERS), { durability: 'journal' }),
        ]),
        ...(hasRates
          ? [group(context, 'Saves a second', { title: 'rate', unit: 'saves/s' }, rateCurves())]
          : []),
      ],
    })
  },
}

function threadCurve(
  name: string,
  where: Curve['where'],
  threads: readonly number[],
  store: (threads: number) => Store,
): Curve {
  return { name, where, points: threads.map((at) => ({ at, label: `${name}: ${at}`, store: store(at) })) }
}

function sizeCurve(
  name: string,
  where: Curve['where'],
  sizes: readonly number[],
  options: CoatcheckStoreOptions,
): Curve {
  const store = coatcheckStore(options)
  const points = sizes.map((bytes) => ({
    at: bytes,
    label: `${name}: ${bytes}`,
    store,
    workload: { ...HOT_SAVES, bytes },
  }))
  return { name, where, points }
}

function callerCurve(
  name: string,
  where: Curve['where'],
  callers: readonly number[],
  options: CoatcheckStoreOptions,
): Curve {
  const store = coatcheckStore(options)
  // As many sessions for one caller as for all of them.
  const workload = { ...HOT_SAVES, sessions: Math.max(KEYS, MOST_CALLERS) }
  return {
    name,
    where,
    points: callers.map((at) => ({ at, label: `${name}: ${at}`, store, workload, callers: at })),
  }
}

/** At the same rate, in an open loop: who does something rarely finds neither code nor data in the processor's caches. */
function rateCurves(): Curve[] {
  const curve = (
    name: string,
    where: Curve['where'],
    store: Store,
    most = Number.POSITIVE_INFINITY,
  ): Curve => {
    const rates = RATES.filter((rate) => rate <= most)
    return {
      name,
      where,
      points: rates.map((at) => ({ at, label: `${name}: ${at}`, store, perSecond: at })),
    }
  }
  const unsynced = lmdb(false)
  return [
    curve('direct, tmpfs', 'tmpfs', coatcheckStore({ durability: 'direct' }), MOST_DIRECT),
    curve('journal, disk', 'disk', coatcheckStore({ durability: 'journal' })),
    ...(peers().stores.some(({ name }) => name === unsynced.name)
      ? [curve('LMDB noSync, disk', 'disk', unsynced)]
      : []),
  ]
}

function group(
  { places, thoroughness }: SectionContext,
  title: string,
  axis: { readonly title: string; readonly unit: string },
  curves: readonly Curve[],
): ComparedGroup {
  const entries = (thoroughness === 'quick' ? curves.slice(0, 1) : curves).flatMap(
    ({ name: curve, where, points }) => {
      const place = where === 'tmpfs' ? places.tmpfs : places.disk
      if (place === undefined) return []
      return points.flatMap(({ at, label, store, workload = HOT_SAVES, callers, perSecond }): StoreEntry[] =>
        storeEntries([store], { places, place, workload, suffix: `${axis.title}-${at}` }).map((entry) => ({
          ...entry,
          point: { at, curve, label },
          ...(callers === undefined ? {} : { settings: { callers } }),
          ...(perSecond === undefined ? {} : { settings: { perSecond, between: 'sleep' } }),
        })),
      )
    },
  )
  return {
    title,
    axis,
    entries,
    measures: ['perSecond', 'loopMicroseconds', 'processMicroseconds', 'p50Milliseconds', 'p99Milliseconds'],
    charts: ['perSecond', 'loopMicroseconds'],
  }
}
