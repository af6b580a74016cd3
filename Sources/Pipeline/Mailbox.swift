internal import CSegment
public import Conntrack
public import Reassembly
public import Segment
internal import Synchronization

/// How the control side has a worker do something: lanes of memory that one side fills in and the other carries out,
/// neither ever waiting for the other. A worker does a bounded part of what lies in its lanes in each breath; an order
/// takes as many breaths as it needs.
///
/// A lane belongs to the control side until it is posted, then to the worker until it is done. One thread at a time is
/// the control side. The memory lives as long as the process.
@safe
public struct Mailbox: BitwiseCopyable, @unchecked Sendable {
  public static let lanes = 8
  /// Orders that fit into a lane, and connections into its answer.
  public static let orders = 32
  /// Buckets that fit into its answer.
  public static let buckets = 2048

  /// What a lane asks for, and how far it has come.
  public struct Lane: BitwiseCopyable {
    public enum Kind: UInt8, BitwiseCopyable, Sendable { case orders, scan, knobs, buckets, credits }

    public var kind = Kind.orders
    /// Of `.orders`: how many there are, and how many of them are done.
    public var count = 0
    public internal(set) var done = 0
    public var scan = ConnectionScan(.delete, filter: ConnectionFilter())
    /// Of `.scan`: connections that its answer may take.
    public var room = Mailbox.orders
    public var knobs = Knobs()
    /// Of `.buckets` and `.credits`: the bucket or zone to begin with.
    public var first = 0
    /// Of `.credits`: the last zone.
    public var last = 0
    /// Of `.scan`: connections that were meant, and those of them whose images are there. Of `.buckets`: counts.
    public internal(set) var meant = 0
    public internal(set) var filled = 0
    /// There is no more to come: all slots, or all buckets, have been looked at.
    public internal(set) var isThrough = false

    public init() {}
  }

  /// Settings that can be changed while packets pass; `nil`: stays as it is.
  public struct Knobs: BitwiseCopyable {
    public var checksSequences: Bool?
    /// Milliseconds.
    public var sweepInterval: UInt32?
    public var fragments: FragmentSettings?
    public var events: Events?
    /// What it refers to is kept until all workers have taken another.
    public var rules: RuleSetup?

    /// What is told of from now on.
    @safe
    public struct Events: BitwiseCopyable {
      public var mask: EventMask
      /// 65,536 bits, or `nil` for all zones; valid until another order of this kind is done.
      public var zones: UnsafePointer<UInt64>?

      public init(_ mask: EventMask, zones: UnsafePointer<UInt64>? = nil) {
        self.mask = mask
        unsafe self.zones = unsafe zones
      }
    }

    public init() {}
  }

  private let cells: UnsafeMutablePointer<Atomic<UInt64>>  // bell, acknowledged, then whose each lane is
  private let table: UnsafeMutablePointer<Lane>
  private let requests: UnsafeMutablePointer<ConnectionOrder>
  private let outcomes: UnsafeMutablePointer<OrderOutcome>
  private let pictures: UnsafeMutablePointer<dpdkfwd_ct_image>
  private let tallies: UnsafeMutablePointer<UInt8>

  private static let cellCount = 2 + lanes

  public init() {
    unsafe cells = .allocate(capacity: Self.cellCount)
    for i in 0..<Self.cellCount { unsafe (cells + i).initialize(to: Atomic(0)) }
    unsafe table = .allocate(capacity: Self.lanes)
    unsafe table.initialize(repeating: Lane(), count: Self.lanes)
    let orders = Self.lanes * Self.orders
    unsafe requests = .allocate(capacity: orders)
    unsafe requests.initialize(repeating: ConnectionOrder(.look, change: ConnectionChange()), count: orders)
    unsafe outcomes = .allocate(capacity: orders)
    unsafe outcomes.initialize(repeating: .done, count: orders)
    unsafe pictures = .allocate(capacity: orders)
    unsafe pictures.initialize(repeating: dpdkfwd_ct_image(), count: orders)
    unsafe tallies = .allocate(capacity: Self.lanes * Self.buckets)
    unsafe tallies.initialize(repeating: 0, count: Self.lanes * Self.buckets)
  }

  // MARK: The control side

  /// Whether the lane is the control side's: never posted, or done.
  public func isFree(_ lane: Int) -> Bool {
    precondition(lane >= 0 && lane < Self.lanes)
    return unsafe cells[2 + lane].load(ordering: .acquiring) == 0
  }

  /// A lane that is the control side's.
  public subscript(lane: Int) -> Lane {
    get {
      precondition(lane >= 0 && lane < Self.lanes)
      return unsafe table[lane]
    }
    nonmutating set {
      precondition(lane >= 0 && lane < Self.lanes)
      precondition(newValue.count >= 0 && newValue.count <= Self.orders && newValue.first >= 0)
      unsafe table[lane] = newValue
    }
  }

  public func set(_ order: ConnectionOrder, _ place: Int, in lane: Int) {
    unsafe requests[Self.place(place, lane)] = order
  }
  public func outcome(_ place: Int, in lane: Int) -> OrderOutcome { unsafe outcomes[Self.place(place, lane)] }
  /// The connection that an order was about, or one that a scan found.
  public func connection(_ place: Int, in lane: Int) -> Connection {
    unsafe Connection(pictures[Self.place(place, lane)])
  }
  public func tally(_ place: Int, in lane: Int) -> UInt8 {
    precondition(place >= 0 && place < Self.buckets && lane >= 0 && lane < Self.lanes)
    return unsafe tallies[lane * Self.buckets + place]
  }

  /// The lane is the worker's from now on.
  public func post(_ lane: Int) {
    precondition(lane >= 0 && lane < Self.lanes)
    unsafe cells[2 + lane].store(1, ordering: .releasing)
    unsafe cells[0].wrappingAdd(1, ordering: .releasing)
  }

  /// All who asked for ends know of those up to this event.
  public func acknowledge(_ sequence: UInt64) { unsafe cells[1].store(sequence, ordering: .relaxed) }

  private static func place(_ place: Int, _ lane: Int) -> Int {
    precondition(place >= 0 && place < orders && lane >= 0 && lane < lanes)
    return lane * orders + place
  }

  // MARK: The worker's side

  /// Changes with every lane that is posted.
  @inline(__always)
  var bell: UInt64 { unsafe cells[0].load(ordering: .acquiring) }
  @inline(__always)
  var acknowledged: UInt64 { unsafe cells[1].load(ordering: .relaxed) }

  /// One bit for each lane that is the worker's.
  var posted: UInt8 {
    (0..<Self.lanes).reduce(0) { $0 | (isFree($1) ? 0 : 1 << UInt8($1)) }
  }

  func finish(_ lane: Int) { unsafe cells[2 + lane].store(0, ordering: .releasing) }

  func lane(_ lane: Int) -> UnsafeMutablePointer<Lane> { unsafe table + lane }
  func orders(_ lane: Int) -> UnsafeMutablePointer<ConnectionOrder> { unsafe requests + lane * Self.orders }
  func results(_ lane: Int) -> UnsafeMutablePointer<OrderOutcome> { unsafe outcomes + lane * Self.orders }
  func images(_ lane: Int) -> UnsafeMutableBufferPointer<dpdkfwd_ct_image> {
    unsafe UnsafeMutableBufferPointer(start: pictures + lane * Self.orders, count: Self.orders)
  }
  func counts(_ lane: Int) -> UnsafeMutableBufferPointer<UInt8> {
    unsafe UnsafeMutableBufferPointer(start: tallies + lane * Self.buckets, count: Self.buckets)
  }
}
