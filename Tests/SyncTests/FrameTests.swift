import CSegment
import Primitives
import Segment
import TestSupport
import Testing

@testable import Sync

/// What is written is read, and what was not written so does no harm.
struct FrameTests {
  private static let now: UInt32 = 1_700_200_000

  /// C14: nothing of a connection is left behind but what means nothing elsewhere.
  @Test func `a connection comes out as it went in`() throws {
    var chance = SeededGenerator.forThisRun()
    for _ in 0..<2000 {
      let sent = chance.connection()
      let isOfWalk = chance.happens(50)
      guard
        case .up(let taken, isOfWalk)? = try SyncMessage.throughFrame([.up(sent, walk: isOfWalk)], now: Self.now).first
      else {
        Issue.record("\(sent) does not come back")
        continue
      }
      #expect(taken.facts == sent.facts)
      #expect(taken.deadline == taken.remaining)
    }
  }

  @Test func `what holds for one forwarder alone does not cross`() throws {
    var chance = SeededGenerator.forThisRun()
    var sent = chance.connection(Connection.Number.tcp)
    sent.status = .max
    sent.cached = (generation: 7, original: 1, reply: 2)
    let taken = try SyncMessage.throughFrame([.up(sent, walk: false)]).first?.connection
    #expect(taken?.status == .max & ~(Connection.Status.dying | 3 << 14))
    #expect(taken?.cached.original == 255 && taken?.cached.reply == 255)
  }

  /// Nobody's clock is told: the same connection has the same age where the date is another.
  @Test func `a connection is as old for the receiver as for the sender`() throws {
    var chance = SeededGenerator.forThisRun()
    var sent = chance.connection()
    sent.start = 1000
    var bytes: [UInt8] = []
    SyncMessage.up(sent, walk: false).append(to: &bytes, now: 1600)
    let frame = try SyncFrame(SyncFrame.encode(session: 1, sequence: 0, messages: bytes))
    #expect(frame.messages(now: 90_000).first { _ in true }?.connection?.start == 89_400)
    #expect(frame.messages(now: 100).first { _ in true }?.connection?.start == 0)
  }

  @Test func `every message comes out as it went in`() throws {
    let walk = SyncWalk(number: 77, shard: 3)
    let ranges: [ClosedRange<UInt64>] = [1...1, 5...700, .max - 9 ... .max - 2]
    var chance = SeededGenerator.forThisRun()
    let connection = chance.connection(Connection.Number.sctp, isIPv6: true)
    let hello = SyncMessage.Hello(interval: 1000, window: 64, frameSize: 1400)
    let sent: [SyncMessage] = [
      .hello(hello), .up(connection, walk: true), .down(id: connection.id, SyncFlow(connection)), .walkBegins(walk),
      .walkEnds(SyncWalk(number: 78, shard: nil), count: 12), .gone(ranges), .missing(ranges),
      .resync(receiver: .max, number: 4),
    ]
    let taken = try SyncMessage.throughFrame(sent)
    #expect(taken.map { "\($0)" }.count == sent.count)
    for (sent, taken) in zip(sent, taken) where sent.connection == nil { #expect("\(sent)" == "\(taken)") }
    #expect(taken[1].connection?.id == connection.id)
  }

  @Test func `any message fits into the smallest frame`() {
    var chance = SeededGenerator.forThisRun()
    var connection = chance.connection(Connection.Number.tcp, isIPv6: true)
    connection.reply = chance.connection(Connection.Number.tcp, isIPv6: true).original
    (connection.mark, connection.labels) = (1, Connection.Labels(low: 1, high: 1))
    connection.counts.original.packets = 1
    let ranges = (0..<UInt64(SyncMessage.mostRanges)).map { $0 * 2...$0 * 2 }
    for message: SyncMessage in [.up(connection, walk: true), .missing(ranges), .gone(ranges)] {
      var bytes: [UInt8] = []
      message.append(to: &bytes)
      #expect(bytes.count <= SyncFrame.smallest - SyncFrame.headerSize)
    }
    var end: [UInt8] = []
    SyncMessage.walkEnds(SyncWalk(number: 1, shard: nil), count: 1).append(to: &end)
    #expect(end.count == SyncMessage.walkEndSize)
  }

  // MARK: Damage

  private func sample() -> [UInt8] {
    var chance = SeededGenerator(seed: 1)
    var bytes: [UInt8] = []
    for `protocol` in [Connection.Number.tcp, Connection.Number.udp, Connection.Number.sctp] {
      SyncMessage.up(chance.connection(`protocol`), walk: false).append(to: &bytes)
    }
    return SyncFrame.encode(.numbered, session: 9, sequence: 8, messages: bytes)
  }

  @Test func `a frame with any bit turned is refused`() {
    let good = sample()
    for bit in 0..<good.count * 8 {
      var bad = good
      bad[bit / 8] ^= 1 << UInt8(bit % 8)
      #expect(throws: SyncFrame.Fault.self) { try SyncFrame(bad) }
    }
  }

  @Test func `a frame that was cut or lengthened is refused`() {
    let good = sample()
    for size in 0..<good.count { #expect(throws: SyncFrame.Fault.length) { try SyncFrame(Array(good[..<size])) } }
    #expect(throws: SyncFrame.Fault.length) { try SyncFrame(good + [0]) }
    #expect(throws: SyncFrame.Fault.length) { try SyncFrame([UInt8](repeating: 0, count: SyncFrame.largest + 1)) }
  }

  /// A sender with a fault of its own: the sum is right, the messages are not.
  @Test func `of messages that were cut, the whole ones are taken`() throws {
    var chance = SeededGenerator(seed: 1)
    var messages: [UInt8] = []
    var ends: [Int] = []
    for _ in 0..<3 {
      SyncMessage.up(chance.connection(), walk: false).append(to: &messages)
      ends.append(messages.count)
    }
    for size in 0..<messages.count {
      let frame = try SyncFrame(SyncFrame.encode(session: 1, sequence: 1, messages: Array(messages[..<size])))
      let taken = Array(frame.messages())
      #expect(taken.count { $0.connection != nil } == ends.count { $0 <= size })
      // What was cut shows, if there is something of it.
      #expect(taken.count == ends.count { $0 <= size } + (size == 0 || ends.contains(size) ? 0 : 1))
    }
  }

  /// C26 and the hostile peer: neither random bytes nor good ones with changes trap, whatever they say.
  @Test func `no bytes do harm`() throws {
    var chance = SeededGenerator.forThisRun()
    let good = sample()
    for _ in 0..<5000 {
      _ = try? SyncFrame(chance.bytes(chance.below(200)))
      var messages = Array(good[SyncFrame.headerSize...])
      for _ in 0...chance.below(6) { messages[chance.below(messages.count)] = chance.number() }
      if chance.happens(30) { messages = chance.bytes(chance.below(300)) }
      let datagram = SyncFrame.encode(.numbered, session: 1, sequence: chance.next(), messages: messages)
      for message in try SyncFrame(datagram).messages() {
        if let connection = message.connection { #expect(connection.state <= 9) }
      }
      var receiver = SyncReceiver(session: 1)
      _ = receiver.receive(datagram, at: Instant(nanoseconds: 0))
      _ = receiver.frames(at: Instant(nanoseconds: 0))
      var sender = SyncSender(session: 1)
      sender.receive(
        SyncFrame.encode(.feedback, session: 1, sequence: chance.next(), messages: messages),
        at: Instant(nanoseconds: 0))
      _ = sender.frames(at: Instant(nanoseconds: 0))
    }
  }

  // MARK: Versions

  /// C26: a later minor version may lengthen the header and known attributes, and add attributes and messages.
  @Test func `a frame of a later version is understood as far as it goes`() throws {
    var chance = SeededGenerator.forThisRun()
    let sent = chance.connection(Connection.Number.tcp, isIPv6: false)
    var plain: [UInt8] = []
    SyncMessage.up(sent, walk: false).append(to: &plain)
    var messages: [UInt8] = []
    messages.appendBlock(900) { $0 += [1, 2, 3] }
    messages.appendBlock(SyncMessage.Kind.up) { message in
      var content = ByteReader(plain, 4..<plain.count)
      while var block = content.block() {
        message.appendBlock(block.type) {
          while let byte = block.content.number(UInt8.self) { $0.append(byte) }
          $0 += [9, 9, 9, 9, 9]
        }
        message.appendBlock(777) { $0 += [4] }
      }
    }
    messages.appendBlock(901 | Block.mustBeUnderstood) { $0 += [1] }
    messages.appendBlock(SyncMessage.Kind.up) { message in
      message.appendBlock(778 | Block.mustBeUnderstood) { $0 += [4] }
      message += plain[4...]
    }
    messages += plain
    let frame = SyncFrame.encode(.numbered, session: 1, sequence: 1, minor: 7, messages: messages)
    var kinds: [String] = []
    for message in try SyncFrame(frame).messages(now: 1_800_000_000) {
      switch message {
      case .unknown(let type): kinds.append("unknown \(type)")
      case .notUnderstood(let type): kinds.append("not understood \(type & 0x7fff)")
      case .up(let connection, _):
        kinds.append("up")
        #expect(connection.id == sent.id && connection.details.original.end == sent.details.original.end)
        #expect(connection.labels == sent.labels && connection.reply == sent.reply)
      default: kinds.append("\(message)")
      }
    }
    #expect(kinds == ["unknown 900", "up", "not understood 901", "not understood 778", "up"])

    var receiver = SyncReceiver(session: 1)
    let operations = receiver.receive(frame, at: Instant(nanoseconds: 0))
    #expect(operations.count == 2)
    #expect((receiver.figures.unknown, receiver.figures.notUnderstood) == (1, 2))
  }

  @Test func `a longer header is skipped, another major version is refused`() throws {
    var plain: [UInt8] = []
    SyncMessage.walkEnds(SyncWalk(number: 3, shard: nil), count: 4).append(to: &plain)
    let longer = Self.frame(major: 1, header: [0xff, 0xff, 0xff, 0xff], messages: plain)
    guard case .walkEnds(SyncWalk(number: 3, shard: nil), count: 4)? = Array(try SyncFrame(longer).messages()).first
    else {
      Issue.record("the message behind a longer header is lost")
      return
    }
    #expect(throws: SyncFrame.Fault.version) { try SyncFrame(Self.frame(major: 2, header: [], messages: plain)) }
  }

  /// By the text of docs/sync.md, not by the code.
  private static func frame(major: UInt8, header: [UInt8], messages: [UInt8]) -> [UInt8] {
    var bytes: [UInt8] = Array("DFSY".utf8) + [major, 0, 0, 1]
    bytes += [0, UInt8(40 + header.count + messages.count), 0, UInt8(40 + header.count)]
    bytes += [0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, 0, 5] + [0, 0, 0, 0, 0, 0, 0, 1]
    bytes += [0, 0, 0, 0, 0, 0, 0, 0] + header + messages
    var sum: UInt64 = 14_695_981_039_346_656_037
    for byte in bytes { sum = (sum ^ UInt64(byte)) &* 1_099_511_628_211 }
    for place in 0..<8 { bytes[32 + place] = UInt8(truncatingIfNeeded: sum >> UInt64(56 - 8 * place)) }
    return bytes
  }
}
