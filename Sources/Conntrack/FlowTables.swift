/// What a worker knows of the named flow tables: their ports, and how long a flow stays that nobody uses. Numbers from 1;
/// a connection's record says which one it is in.
public struct FlowTables: BitwiseCopyable, Sendable {
  /// How many there can be at once: a record has four bits for the number.
  public static let most = 15

  public struct Entry: BitwiseCopyable, Equatable, Sendable {
    /// One bit for each port whose flows it takes; none: there is no such table.
    public var ports: UInt64 = 0
    /// Its packets are counted in their connection's record; otherwise the counters there stand still.
    public var hasCounter = false
    public var isHardware = false
    /// Milliseconds without a packet after which a flow leaves.
    public var tcpTimeout: UInt32 = 30_000
    public var udpTimeout: UInt32 = 30_000

    @inlinable public init() {}

    /// A flow passes by two ports, and the table must be bound to both.
    @inlinable @inline(__always)
    public func takes(_ ingress: UInt16, _ egress: UInt16) -> Bool {
      ingress < 64 && egress < 64 && (ports >> UInt64(ingress)) & (ports >> UInt64(egress)) & 1 != 0
    }

    @inlinable @inline(__always)
    public func timeout(of transport: UInt8) -> UInt32 { transport == 6 ? tcpTimeout : udpTimeout }
  }

  @usableFromInline var entries = InlineArray<16, Entry>(repeating: Entry())

  @inlinable public init() {}

  /// - Parameter number: 1...most; the lower four bits count.
  @inlinable
  public subscript(number: UInt8) -> Entry {
    @inline(__always) get { entries[Int(number & 15)] }
    set { entries[Int(number & 15)] = newValue }
  }
}

/// Why a flow left its table. Raw values are places in `ended` of the table's record: append only.
public enum FlowEnd: Int, CaseIterable, BitwiseCopyable, Sendable {
  /// No packet came for as long as the table allows.
  case idle
  /// FIN or RST.
  case closed
  /// Rules, ports or zones have changed since.
  case outdated
  /// Its connection is gone.
  case removed
}
