import { workerData } from 'node:worker_threads'
import { describeFailure } from '../../protocol/index.js'
import type { Answered, InspectionOptions, InspectionTasks } from './entries.js'
import { Inspection } from './inspection.js'

/*
 * Piscina's entry for the command line's inspections: one function for each task. There is one thread, and one inspection
 * in it.
 */

type Tasks = {
  readonly [Name in keyof InspectionTasks]: (
    task: InspectionTasks[Name]['task'],
  ) => Answered<InspectionTasks[Name]['answer']>
}

let inspection: Inspection | undefined

function inspected<Answer>(look: (inspection: Inspection) => Answer): Answered<Answer> {
  try {
    // Piscina hands workerData on as it is to the pool's workers.
    inspection ??= new Inspection(workerData as InspectionOptions)
    return look(inspection)
  } catch (error) {
    return { failure: describeFailure(0, error) }
  }
}

export const open: Tasks['open'] = () => inspected(({ layout }) => ({ layout }))

export const readJournal: Tasks['readJournal'] = () => inspected((current) => current.readJournal())

export const walk: Tasks['walk'] = (depth) => inspected((current) => current.walk(depth))

export const find: Tasks['find'] = (key) => inspected((current) => current.find(key))
