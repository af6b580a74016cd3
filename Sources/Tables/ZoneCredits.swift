/// A `CreditPool` for each of the 65,536 zones, with limits of their own: small ones go in batches of one and stay exact
/// to `(workers - 1) * 2`.
@safe
public struct ZoneCredits: BitwiseCopyable, @unchecked Sendable {
  @usableFromInline let cells: UnsafeMutableRawPointer

  public static let zones = 1 << 16
  /// The memory that the pools need: 1 MiB.
  public static let bytes = zones * CreditCell.bytes
  /// The limit of a zone that has none: more than tables have slots for.
  public static let unlimited = UInt32.max

  /// - Parameters:
  ///   - memory: `bytes` bytes, all zero, aligned to 64; the caller frees them after the last lease.
  ///   - limit: of every zone until `setLimit` says otherwise.
  @unsafe public init(memory: UnsafeMutableRawPointer, limit: UInt32 = unlimited) {
    unsafe cells = memory
    for zone in 0...UInt16.max { cell(zone).setLimit(limit) }
  }

  public func limit(zone: UInt16) -> UInt32 { cell(zone).limit }
  /// A lower one takes nothing back: no credit is handed out until fewer are in use.
  public func setLimit(_ limit: UInt32, zone: UInt16) { cell(zone).setLimit(limit) }
  /// Credits of a zone in use, and those that leases keep.
  public func claimed(zone: UInt16) -> Int { cell(zone).claimed }

  @inlinable @inline(__always)
  func cell(_ zone: UInt16) -> CreditCell { unsafe CreditCell(cells + Int(zone) * CreditCell.bytes) }

  /// A worker's own access to all zones.
  /// - Parameter memory: `Lease.bytes` bytes, all zero, aligned to 64; the caller frees them after the lease.
  @unsafe public func lease(memory: UnsafeMutableRawPointer) -> Lease { unsafe Lease(self, memory) }

  /// One worker's credits of every zone.
  @safe
  public struct Lease: ~Copyable {
    @usableFromInline let credits: ZoneCredits
    @usableFromInline let kept: UnsafeMutablePointer<KeptCredits>

    /// The memory that a lease needs: 512 KiB.
    public static let bytes = zones * MemoryLayout<KeptCredits>.stride

    @unsafe init(_ credits: ZoneCredits, _ memory: UnsafeMutableRawPointer) {
      self.credits = credits
      unsafe kept = memory.bindMemory(to: KeptCredits.self, capacity: zones)
    }

    /// One credit of a zone, or false when it has none; the cost is that of `CreditPool.Lease`.
    @inlinable @inline(__always)
    public mutating func take(zone: UInt16) -> Bool { unsafe kept[Int(zone)].take(from: credits.cell(zone)) }
    /// Puts a credit back.
    @inlinable @inline(__always)
    public mutating func give(zone: UInt16) { unsafe kept[Int(zone)].give(to: credits.cell(zone)) }
    /// Leaves nothing of those zones in the lease.
    public mutating func returnAll(_ zones: ClosedRange<UInt16> = 0...UInt16.max) {
      for zone in zones { unsafe kept[Int(zone)].returnAll(to: credits.cell(zone)) }
    }
  }
}
