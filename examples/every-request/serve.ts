import { once } from 'node:events'
import { Shop } from './shop.js'

/** Leaves the app running until Ctrl-C. */
export async function serve(options: {
  readonly directory: string
  readonly port: number
  readonly isTemporary: boolean
}): Promise<boolean> {
  const { directory, port, isTemporary } = options
  const shop = await Shop.open(directory, port)
  console.log(`\n  ${shop.url}\n`)
  console.log(
    `Sessions are in ${directory}${isTemporary ? ', until this ends; --directory keeps them' : ''}.`,
  )
  console.log('Ctrl-C ends.')
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  await shop.close()
  const { written } = shop.engine.stats()
  console.log(`\n${shop.requests} requests, ${written} saves; closed.`)
  return shop.errors === 0
}
