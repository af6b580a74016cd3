internal import CSegment
internal import Glibc
internal import Synchronization

/// A segment seen from outside: mapped read-only, checked once, fields bound by name.
@safe
public final class SegmentReader: Sendable {
  public let path: String
  public let info: SegmentInfo
  public let schema: Schema
  private let paths: SegmentPaths?
  let mapping: Mapping

  /// - Parameter previous: read the run before the last one.
  public convenience init(_ paths: SegmentPaths, previous: Bool = false) throws(SegmentError) {
    try self.init(path: previous ? paths.previous : paths.segment, paths: paths)
  }

  /// - Parameter paths: where the lock of its writer lies; without them the writer counts as gone.
  init(path: String, paths: SegmentPaths? = nil) throws(SegmentError) {
    let file = try Descriptor(open: path, O_RDONLY)
    let length = try file.sizes(path).length
    let known = MemoryLayout<dpdkfwd_segment_header>.size
    guard length >= known else { throw .damaged(path: path, at: length, "it is too short for a header") }
    let mapping = try Mapping(file, path, size: length, writable: false)
    var bytes = mapping.bytes(0..<known)
    let end = try SchemaReader.schemaEnd(bytes, length: length, path: path)
    bytes = mapping.bytes(0..<max(end, known))
    self.schema = try SchemaReader.read(bytes, length: length, path: path)
    self.path = path
    self.paths = paths
    self.info = SegmentInfo(SchemaReader.header(bytes))
    self.mapping = mapping
  }

  // MARK: The writer

  /// Whether the writer lives: its state while it does, else how it ended.
  public func liveness() throws(SegmentError) -> Liveness {
    let state = state
    if let paths, let owner = try OwnerLock.living(paths), owner.bootID == info.bootID.description {
      switch state {
      case .starting: return .starting
      case .running, nil: return .running
      case .draining: return .draining
      case .stopped: return .stopped
      }
    }
    return state == .stopped ? .stopped : .stale
  }

  /// What the writer said last that it does, whether or not it lives; `nil`: something unknown.
  public var state: SegmentState? { SegmentState(rawValue: live(\.state)) }

  /// Nanoseconds since the writer last said that it lives.
  public var sinceLastBreath: UInt64 {
    let (now, last) = (Clock.monotonic(), live(\.heartbeat))
    return now > last ? now - last : 0
  }

  /// When the writer last said that it lives, in nanoseconds of CLOCK_MONOTONIC.
  public var lastBreath: UInt64 { live(\.heartbeat) }

  /// Nanoseconds from its start to its last breath.
  public var lifetime: UInt64 {
    let last = live(\.heartbeat)
    return last > info.startedMonotonic ? last - info.startedMonotonic : 0
  }

  /// When it stopped, in nanoseconds since 1970; `nil` when it did not say.
  public var stopped: UInt64? {
    let wall = live(\.stopped_wall)
    return wall == 0 ? nil : wall
  }

  private func live(_ member: PartialKeyPath<dpdkfwd_segment_header>) -> UInt64 {
    mapping.load(MemoryLayout<dpdkfwd_segment_header>.offset(of: member) ?? 0)
  }

  // MARK: Records

  /// The kind of this name with all these fields, or a failure that names what is missing: binding is loud and early.
  public func kind(_ name: String, having fields: [String] = []) throws(SegmentError) -> Kind {
    guard let kind = schema.kind(named: name) else {
      throw .fields(kind: name, missing: [])
    }
    let missing = fields.filter { kind.field(named: $0) == nil }
    guard missing.isEmpty else { throw .fields(kind: name, missing: missing) }
    return kind
  }

  /// Every record in use, shard by shard, each copied at its moment; of a ring the entries that are there, in order. Of
  /// an arena only for those who must: `ArenaReader` disturbs its writer less.
  public func records(of kind: Kind) -> [Record] {
    guard kind.records > 0 else { return [] }
    guard !kind.isRing else {
      return (0..<kind.shards).flatMap { shard in
        var ring = RingReader(self, kind, shard: shard)
        return ring.read().compactMap(\.entry)
      }
    }
    return (0..<kind.shards).flatMap { moment(of: [kind], shard: $0).records[0] }
  }

  /// What a shard of several kinds held at one moment.
  public struct Moment: Sendable {
    /// For each kind asked for, its records in use.
    public let records: [[Record]]
    /// Whether the records belong together. They do not when the writer never paused between two commits, or died
    /// within one.
    public let isWhole: Bool
  }

  /// Copies a shard of kinds that are committed together.
  ///
  /// - Parameter attempts: how often a commit in the middle of the copy is answered by another copy.
  public func moment(of kinds: [Kind], shard: Int, attempts: Int = 20_000) -> Moment {
    var copies = kinds.map { [UInt64](repeating: 0, count: $0.records * $0.stride / 8) }
    let starts = kinds.map { $0.offset + shard * $0.shardStride }
    var isWhole = false
    for attempt in 0..<max(1, attempts) {
      let before = sequence(of: kinds, shard: shard)
      for index in kinds.indices { mapping.copy(from: starts[index], to: &copies[index]) }
      atomicMemoryFence(ordering: .acquiring)
      isWhole = before.isMultiple(of: 2) && sequence(of: kinds, shard: shard) == before
      if isWhole { break }
      if attempt % 16 == 15 { sched_yield() }
    }
    let records = zip(kinds, copies).map { kind, words in
      let generation = kind.field(of: .generation)
      return (0..<kind.records).compactMap { index -> Record? in
        let record = Record(
          schema: schema, kind: kind, shard: shard, index: index,
          words: Array(words[(index * kind.stride / 8)..<((index + 1) * kind.stride / 8)]))
        return generation.map { record.number($0) == 0 } ?? false ? nil : record
      }
    }
    return Moment(records: records, isWhole: isWhole)
  }

  /// The commit counter that covers these kinds, or 0 when none does.
  private func sequence(of kinds: [Kind], shard: Int) -> UInt64 {
    guard let id = kinds.lazy.compactMap(\.guardedBy).first, let guarding = schema.kinds.first(where: { $0.id == id }),
      let field = guarding.field(of: .sequence)
    else { return 0 }
    return mapping.load(guarding.offset + shard * guarding.shardStride + field.offset)
  }
}
