import { engineOf, type NamelessChildOptions, useAll } from './nameless-use.js'

const { settings, close } = JSON.parse(process.argv[2] ?? '') as NamelessChildOptions
const engines = settings.map((setting) => engineOf(setting, setting.directory))
await Promise.all(engines.map(useAll))
if (close) {
  for (const engine of engines) {
    await engine.flush({ files: true })
    await useAll(engine)
    await engine.close()
  }
} else {
  console.log('used')
  // Until it is killed.
  process.stdin.resume()
}
