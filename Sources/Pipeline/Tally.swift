internal import Wire

/// What a journey counted since the start: private to its worker, which copies it to the segment once a breath.
public struct Tally: ~Copyable {
  /// Packets and bytes of one kind or reason.
  public struct Count: BitwiseCopyable, Equatable, Sendable {
    public var packets: UInt64 = 0
    public var bytes: UInt64 = 0

    public init() {}
  }

  public private(set) var kinds = InlineArray<20, Count>(repeating: Count())
  /// `DropReason.slots` of them.
  public typealias Drops = InlineArray<49, Count>
  public private(set) var drops = Drops(repeating: Count())
  /// How many counters the table of invalid reasons has, by raw value.
  public static var invalidSlots: Int { 18 }
  public private(set) var invalid = InlineArray<18, UInt64>(repeating: 0)
  /// Packets dropped for any reason.
  public private(set) var dropped: UInt64 = 0
  /// One bit for each kind seen since `settled` was last called: most breaths see one or two.
  public internal(set) var touchedKinds: UInt32 = 0
  /// A drop or an invalid packet was counted since then.
  public private(set) var touchedOthers = false

  public init() {}

  // One line of a table, by raw value: reading `kinds[i]` through a borrowed tally copies the table first.
  @inline(__always) public func kind(_ i: Int) -> Count { kinds[i] }
  @inline(__always) public func drop(_ i: Int) -> Count { drops[i] }
  @inline(__always) public func invalid(_ i: Int) -> UInt64 { invalid[i] }

  /// The caller adds the kind to `touchedKinds`, once for a whole burst.
  @inline(__always)
  mutating func count(_ kind: PacketKind, bytes: UInt32) {
    let i = Int(kind.rawValue)
    kinds[i].packets &+= 1
    kinds[i].bytes &+= UInt64(bytes)
  }

  mutating func count(_ reason: InvalidReason) {
    invalid[Int(reason.rawValue)] &+= 1
    touchedOthers = true
  }

  /// A worker drops too: what its egress queue refuses, what it still holds at the end.
  mutating func count(_ reason: DropReason, bytes: UInt32) {
    drops[Int(reason.rawValue)].packets &+= 1
    drops[Int(reason.rawValue)].bytes &+= UInt64(bytes)
    dropped &+= 1
    touchedOthers = true
  }

  /// The same for packets that were discarded together.
  mutating func count(_ reason: DropReason, packets: UInt64, bytes: UInt64) {
    drops[Int(reason.rawValue)].packets &+= packets
    drops[Int(reason.rawValue)].bytes &+= bytes
    dropped &+= packets
    touchedOthers = true
  }

  /// What was counted so far has been copied out.
  mutating func settled() {
    touchedKinds = 0
    touchedOthers = false
  }
}
