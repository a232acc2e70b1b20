import { MemoryBlockStore, openFsBlockStore } from '../src/index.ts'
import { blockStoreCompliance } from '../src/testing/index.ts'
import { temporaryDirectory } from './temporary-directory.ts'
import { after } from 'node:test'

blockStoreCompliance('MemoryBlockStore', async () => new MemoryBlockStore())

const directory = await temporaryDirectory()
let created = 0
after(() => directory[Symbol.asyncDispose]())
blockStoreCompliance('FsBlockStore', () => openFsBlockStore({ path: directory.join(String(created++)) }))
