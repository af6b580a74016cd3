internal import CSegment

/// What holds for the fragments of one IP version.
public struct FamilySettings: BitwiseCopyable, Equatable, Sendable {
  /// Off: fragments are packets like others.
  public var isOn = true
  /// The smallest IP packet, in bytes, that a fragment other than the last may be; 0: any.
  public var smallest: UInt32 = 0
  /// Milliseconds from the first fragment of a datagram to the last.
  public var timeout: UInt32

  public init(isOn: Bool = true, smallest: UInt32 = 0, timeout: UInt32) {
    self.isOn = isOn
    self.smallest = smallest
    self.timeout = timeout
  }
}

/// What holds for a worker's fragment table.
public struct FragmentSettings: BitwiseCopyable, Equatable, Sendable {
  /// netfilter's timeouts: 30 and 60 seconds.
  public var ipv4 = FamilySettings(timeout: 30_000)
  public var ipv6 = FamilySettings(timeout: 60_000)
  /// What may be held: fragments, the buffers they lie in, bytes of their frames, datagrams.
  public var fragments: Int
  public var mbufs: Int
  public var bytes: Int
  public var datagrams: Int
  /// Fragments of one datagram, at most 8190.
  public var perDatagram = 64
  /// Percent of the buffers that may be of one source.
  public var sourceShare = 50
  /// Percent of a limit at which the oldest begin to make room, and at which they need no more.
  public var high = 90
  public var low = 75

  /// The most fragments that a datagram can come in: 8 bytes of payload each.
  public static let mostPerDatagram = 8190

  /// - Parameters:
  ///   - mbufs, bytes, datagrams: `nil`: as many as the fragments need, were they frames of 2 KiB, and no two of one
  ///     datagram.
  public init(fragments: Int, mbufs: Int? = nil, bytes: Int? = nil, datagrams: Int? = nil) {
    self.fragments = fragments
    self.mbufs = mbufs ?? fragments
    self.bytes = bytes ?? fragments * 2048
    self.datagrams = datagrams ?? fragments
  }

  subscript(family: Int) -> FamilySettings { family == 0 ? ipv4 : ipv6 }

  /// Buffers that the fragments of one source may lie in; one at least.
  var sourceLimit: UInt32 { UInt32(max(1, min(fragments, mbufs) * sourceShare / 100)) }

  func within(datagrams most: Int, fragments mostFragments: Int) -> FragmentSettings {
    var settings = self
    settings.datagrams = min(max(1, datagrams), most)
    settings.fragments = min(max(1, fragments), mostFragments)
    settings.perDatagram = min(perDatagram, Self.mostPerDatagram)
    // Times are compared modulo 2^32.
    settings.ipv4.timeout = min(ipv4.timeout, UInt32(Int32.max))
    settings.ipv6.timeout = min(ipv6.timeout, UInt32(Int32.max))
    return settings
  }
}

extension dpdkfwd_frag_shard_record {
  /// Writes down what holds.
  mutating func describe(_ settings: FragmentSettings) {
    enabled = (settings.ipv4.isOn ? 1 : 0, settings.ipv6.isOn ? 1 : 0)
    smallest = (UInt16(clamping: settings.ipv4.smallest), UInt16(clamping: settings.ipv6.smallest))
    timeout = (settings.ipv4.timeout, settings.ipv6.timeout)
    high_watermark = UInt8(clamping: settings.high)
    low_watermark = UInt8(clamping: settings.low)
    per_datagram = UInt32(clamping: settings.perDatagram)
    fragments_limit = UInt64(settings.fragments)
    mbufs_limit = UInt64(settings.mbufs)
    bytes_limit = UInt64(settings.bytes)
    datagrams_limit = UInt64(settings.datagrams)
    source_limit = UInt64(settings.sourceLimit)
  }
}
