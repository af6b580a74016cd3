public import Primitives

/// Limits of fragment handling that go together.
public enum FragmentPreset: String, CaseIterable, Sendable {
  /// As the kernel has them: 30 s and 60 s, fragments of any size.
  case kernel
  /// As Open vSwitch has them: 15 s, 1000 fragments, none but the last below 1200 (IPv4) or 1280 (IPv6) bytes.
  case ovs
}

/// What the operator chose for fragments: the table [fragments].
public struct ReassemblySettings: Equatable, Sendable {
  /// Whether fragments of a family are put together before anything looks at them.
  public internal(set) var ipv4 = true
  public internal(set) var ipv6 = true
  /// What holds for everything below that is `nil`.
  public internal(set) var preset = FragmentPreset.kernel
  /// The smallest IP packet, in bytes, that a fragment other than the last may be; 0: any.
  public internal(set) var smallestIPv4: Int?
  public internal(set) var smallestIPv6: Int?
  public internal(set) var timeoutIPv4: Interval?
  public internal(set) var timeoutIPv6: Interval?
  /// Fragments that may be held, by all workers together; `nil`: 4096, or what `--mbufs` leaves.
  public internal(set) var fragments: Int?
  /// Packet buffers that they may lie in; `nil`: one each.
  public internal(set) var mbufs: Int?
  /// Bytes of their frames; `nil`: as many as the buffers hold.
  public internal(set) var bytes: Int?
  /// Datagrams that may be in the making; `nil`: one a fragment.
  public internal(set) var datagrams: Int?
  public internal(set) var perDatagram = 64
  /// Percent of a worker's fragment buffers that one source may have.
  public internal(set) var sourceShare = 50
  /// Percent of a limit at which the oldest datagrams begin to make room, and at which that is enough.
  public internal(set) var high = 90
  public internal(set) var low = 75

  public static let standard = 4096
  /// No more than that in buffers, unless asked for.
  static let standardBytes = 16 << 20
  /// With fewer no worker holds enough to put together what comes in one burst.
  public static let fewest = 64
  static let mostPerDatagram = 8190

  public var isOn: Bool { ipv4 || ipv6 }
  public var wanted: Int? { fragments ?? (preset == .ovs ? 1000 : nil) }

  public func smallest(ipv6: Bool) -> Int {
    (ipv6 ? smallestIPv6 : smallestIPv4) ?? (preset == .ovs ? (ipv6 ? 1280 : 1200) : 0)
  }

  public func timeout(ipv6: Bool) -> Interval {
    (ipv6 ? timeoutIPv6 : timeoutIPv4) ?? .seconds(preset == .ovs ? 15 : ipv6 ? 60 : 30)
  }
}

extension Written {
  /// The smallest fragment, Open vSwitch's floor included.
  func smallestFragment() throws(Refusal) -> Int {
    guard let number = try? integer(in: 0...65_535), number == 0 || number >= 400 else {
      throw refusal(expected: "0, or a number of bytes from 400 to 65535 (see [fragments] in dpdkfwd.toml(5))")
    }
    return number
  }
}

extension Plan {
  /// What each worker may hold of fragments, and the memory that takes.
  public struct Fragments: Equatable, Sendable {
    public let workers: Int
    public let fragments: Int
    public let mbufs: Int
    public let bytes: Int
    public let datagrams: Int
    /// Fragments of one datagram that leave together, as far as the transmit ring goes: pieces of one cut anew may be
    /// more than came.
    public let together: Int

    static let datagramBytes = 128
    static let pieceBytes = 16
    /// Of a datagram: what its first fragment says, what finds it, its place in the index and in the directory, its
    /// source's count. Of a fragment: where its packet is.
    static let ownDatagramBytes = 36 + 9 + 16 + 264 + 16
    static let ownPieceBytes = 32 + 16

    /// In the segment, and in the worker's own memory.
    public var segmentBytes: Int { datagrams * Self.datagramBytes + fragments * Self.pieceBytes }
    public var ownBytes: Int { datagrams * Self.ownDatagramBytes + fragments * Self.ownPieceBytes }
  }

  /// What the plan's text says of fragments.
  var fragmentLines: [String] {
    let own = settings.reassembly
    guard let fragments else { return ["off: fragments cross like other packets, and only the first is tracked"] }
    func family(_ name: String, isOn: Bool, ipv6: Bool) -> String {
      guard isOn else { return "\(name) off" }
      let smallest = own.smallest(ipv6: ipv6)
      return "\(name) \(own.timeout(ipv6: ipv6).seconds) s, "
        + (smallest == 0 ? "of any size" : "of \(smallest) bytes at least but for the last")
    }
    let kibibytes = (fragments.segmentBytes + fragments.ownBytes + 1023) >> 10
    return [
      "\(family("IPv4", isOn: own.ipv4, ipv6: false)); \(family("IPv6", isOn: own.ipv6, ipv6: true))",
      "\(fragments.fragments) fragments in \(fragments.mbufs) mbufs, \(fragments.bytes) bytes, of "
        + "\(fragments.datagrams) datagrams a worker, "
        + "\(kibibytes) KiB of tables; with \(workers.count) worker\(workers.count == 1 ? "" : "s") "
        + "\(fragments.mbufs * workers.count) mbufs in all",
      "at most \(own.perDatagram) a datagram, \(own.sourceShare) % of one source; the oldest make room from \(own.high) % "
        + "on down to \(own.low) %",
    ]
  }
}
