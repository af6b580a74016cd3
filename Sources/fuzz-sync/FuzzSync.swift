import Primitives
import Segment
import Sync

// fuzz-sync: libFuzzer throws messages at the two ends of a session (`Scripts/fuzz` builds and runs it). The input is
// parts, each with a byte that says whom it goes to and how it is framed and one with its length; frames get the right
// checksum, so that what is in them is read. What must hold is written as preconditions; one that fails is a crash.

@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ data: UnsafePointer<UInt8>, _ size: Int) -> CInt {
  var input = unsafe ArraySlice(UnsafeBufferPointer(start: data, count: size))
  var session = Session()
  while let part = takePart(of: &input) { session.step(part.kind, part.bytes) }
  return 0
}

private func takePart(of input: inout ArraySlice<UInt8>) -> (kind: UInt8, bytes: [UInt8])? {
  guard let kind = input.popFirst(), let length = input.popFirst() else { return nil }
  let bytes = Array(input.prefix(Int(length) * 4))
  input = input.dropFirst(bytes.count)
  return (kind, bytes)
}

private struct Session {
  var sender: SyncSender
  var receiver: SyncReceiver
  var now = Instant(nanoseconds: 0)
  var sequence: UInt64 = 0
  let room = 8

  init() {
    var settings = SyncSettings()
    (settings.window, settings.held, settings.pending, settings.known) = (room, room, room, room)
    sender = SyncSender(session: 1, settings: settings)
    receiver = SyncReceiver(session: 2, settings: settings)
  }

  mutating func step(_ kind: UInt8, _ bytes: [UInt8]) {
    now = now + .milliseconds(UInt64(kind >> 4) * 40)
    switch kind & 3 {
    case 0:
      // Numbered frames, mostly in order.
      sequence = kind & 4 == 0 ? sequence &+ 1 : UInt64(bytes.first ?? 0)
      give(SyncFrame.encode(.numbered, session: 1, sequence: sequence, messages: bytes))
    case 1: give(SyncFrame.encode(session: kind & 4 == 0 ? 1 : 3, sequence: sequence, messages: bytes))
    case 2:
      sender.receive(
        SyncFrame.encode(.feedback, session: 1, sequence: UInt64(bytes.first ?? 0), messages: bytes), at: now)
    default: give(bytes)
    }
    talk()
  }

  private mutating func give(_ datagram: [UInt8]) {
    for case .put(let connection) in receiver.receive(datagram, at: now) {
      precondition(connection.deadline >= connection.remaining)
      tell(connection)
    }
    precondition(receiver.count <= room)
  }

  /// What the receiver was given is told again, and comes back as it was.
  private mutating func tell(_ connection: Connection) {
    var bytes: [UInt8] = []
    SyncMessage.up(connection, walk: false).append(to: &bytes)
    guard let frame = try? SyncFrame(SyncFrame.encode(session: 1, sequence: 0, messages: bytes)),
      case .up(let again, false)? = frame.messages().first(where: { _ in true })
    else { preconditionFailure("what was read can not be written") }
    precondition(again.id == connection.id && again.original == connection.original)
    precondition(again.reply == connection.reply && again.remaining == connection.remaining)
    if let walk = sender.walk { sender.tell([connection], of: walk, isLast: false, at: now) }
  }

  private mutating func talk() {
    for frame in receiver.frames(at: now) { sender.receive(frame, at: now) }
    for frame in sender.frames(at: now) { precondition(frame.count <= SyncFrame.largest) }
    _ = receiver.turn(at: now)
  }
}
