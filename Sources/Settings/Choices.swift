/// Two ports that forward to each other.
public struct PortPair: Hashable, Sendable, CustomStringConvertible {
  public let a: Int
  public let b: Int

  public init(_ a: Int, _ b: Int) {
    self.a = a
    self.b = b
  }

  public var description: String { "\(a):\(b)" }
}

/// A receive queue of a port.
public struct PortQueue: Hashable, Sendable, CustomStringConvertible {
  public let port: Int
  public let queue: Int

  public init(port: Int, queue: Int) {
    self.port = port
    self.queue = queue
  }

  public var description: String { "\(port)/\(queue)" }
}

/// A receive queue and the lcore that polls it: one parenthesis of l3fwd's `(port,queue,lcore),...`.
public struct QueueAssignment: Hashable, Sendable, CustomStringConvertible {
  public let port: Int
  public let queue: Int
  public let lcore: Int

  public init(port: Int, queue: Int, lcore: Int) {
    self.port = port
    self.queue = queue
    self.lcore = lcore
  }

  public var description: String { "(\(port),\(queue),\(lcore))" }
}

/// A user of the host, and a group in place of the user's own: names or numbers.
public struct Account: Hashable, Sendable, CustomStringConvertible {
  public let user: String
  public let group: String?

  public init(user: String, group: String? = nil) {
    self.user = user
    self.group = group
  }

  public var description: String { group.map { "\(user):\($0)" } ?? user }
}

/// Who verifies the checksums above IP. The IPv4 header's is always verified.
public enum RxChecksum: String, CaseIterable, Sendable { case off, software, hardware }

/// What becomes of a packet whose transport header is malformed, cut short or fails its checksum. It is counted
/// either way.
public enum InvalidPolicy: String, CaseIterable, Sendable { case forward, drop }

/// What a worker does that finds no packets: sleep longer and longer, or poll on.
public enum IdleSleep: String, CaseIterable, Sendable { case ramp, spin }

/// The least severe message that is logged; the names are swift-log's.
public enum LogLevel: String, CaseIterable, Sendable { case trace, debug, info, notice, warning, error, critical }
