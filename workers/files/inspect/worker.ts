import { workerData } from 'node:worker_threads'
import { describeFailure } from '../../protocol/index.js'
import { nativeFormat } from '../native-format.js'
import { openFormat } from '../open-format.js'
import type { RecordFormat } from '../record-format.js'
import type { Answered, InspectionOptions, InspectionTasks } from './entries.js'
import { Inspection, inspectedFiles } from './inspection.js'

/*
 * Piscina's entry for the command line's inspections: one function for each task. There is one thread, and one inspection
 * in it.
 */

type Task<Name extends keyof InspectionTasks> = (
  task: InspectionTasks[Name]['task'],
) => Promise<Answered<InspectionTasks[Name]['answer']>>

let inspection: Inspection | undefined

async function inspected<Answer>(look: (inspection: Inspection) => Answer): Promise<Answered<Answer>> {
  try {
    inspection ??= await openInspection(workerData as InspectionOptions)
    return look(inspection)
  } catch (error) {
    return { failure: describeFailure(0, error) }
  }
}

async function openInspection(options: InspectionOptions): Promise<Inspection> {
  return new Inspection(options, await formatOf(options))
}

async function formatOf(options: InspectionOptions): Promise<RecordFormat> {
  const { recordFormat } = options
  return recordFormat === undefined
    ? nativeFormat(options)
    : openFormat(recordFormat, inspectedFiles(options))
}

export const open: Task<'open'> = () => inspected(({ layout }) => ({ layout }))

export const readJournal: Task<'readJournal'> = () => inspected((current) => current.readJournal())

export const walk: Task<'walk'> = (depth) => inspected((current) => current.walk(depth))

export const find: Task<'find'> = (key) => inspected((current) => current.find(key))
