/// The number of a connection, as users see it: unique among all connections of a forwarder and the ones after it, never
/// reused (C19), and the cursor of a dump, since a dump lists connections in the order of their numbers.
///
/// From high to low: shard (the worker's index) 8 bits, epoch (of the worker's tables) 4 bits, slot (the record in the
/// shard's arena) 24 bits, generation (which life of the slot) 28 bits. A slot would have to be taken 2^28 times within
/// one epoch for a number to come back.
public struct ConnectionID: RawRepresentable, BitwiseCopyable, Hashable, Comparable, Sendable {
  public var rawValue: UInt64

  @inlinable public init(rawValue: UInt64) { self.rawValue = rawValue }

  /// Takes the low 8, 4, 24 and 28 bits of its parts.
  @inlinable public init(shard: Int, epoch: UInt32, slot: Int, generation: UInt32) {
    rawValue =
      UInt64(truncatingIfNeeded: shard & 0xff) << 56 | UInt64(epoch & 0xf) << 52
      | UInt64(truncatingIfNeeded: slot & (Self.slots - 1)) << 28 | UInt64(generation & 0xfff_ffff)
  }

  /// Slots that a shard may have.
  @inlinable public static var slots: Int { 1 << 24 }

  @inlinable public var shard: Int { Int(rawValue >> 56) }
  @inlinable public var epoch: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 52) & 0xf }
  @inlinable public var slot: Int { Int(truncatingIfNeeded: rawValue >> 28) & (Self.slots - 1) }
  /// The low 28 bits of the record's generation.
  @inlinable public var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue) & 0xfff_ffff }

  @inlinable public static func < (a: ConnectionID, b: ConnectionID) -> Bool { a.rawValue < b.rawValue }
}
