import { CURVES } from './curves.js'
import { FOOTPRINT } from './footprint.js'
import { HTTP } from './http.js'
import { JOURNAL } from './journal.js'
import { LATENCY } from './latency.js'
import { MEMORY } from './memory.js'
import { MICRO } from './micro.js'
import { MILLION } from './million.js'
import { PEERS } from './peers.js'
import { RECOVERY } from './recovery.js'
import { REDIS } from './redis.js'
import { SAVE } from './save.js'
import type { Section } from './section.js'
import { WORKLOADS } from './workloads.js'

/** What a whole run consists of, in the order in which it is told. */
export const RUN: readonly Section[] = [
  PEERS,
  SAVE,
  HTTP,
  LATENCY,
  WORKLOADS,
  CURVES,
  MILLION,
  RECOVERY,
  FOOTPRINT,
  MICRO,
]

/** All of them; those that are in no whole run are asked for by name. */
export const SECTIONS: readonly Section[] = [...RUN, JOURNAL, REDIS, MEMORY]
