import { FULL } from '../budget.js'

const DIRECT = ['direct', false] as const
const DIRECT_FSYNC = ['direct', true] as const
const JOURNAL = ['journal', false] as const
const JOURNAL_FSYNC = ['journal', true] as const

/** Durabilities, each with fsync or without: all of them, or each of the two things in one. */
export const ENGINE_KINDS = FULL
  ? ([DIRECT, DIRECT_FSYNC, JOURNAL, JOURNAL_FSYNC] as const)
  : ([DIRECT_FSYNC, JOURNAL] as const)
