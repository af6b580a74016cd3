internal import CSegment
internal import Glibc
internal import Synchronization

/// What the forwarder is doing, as its segment says.
public enum SegmentState: UInt64, Sendable, CaseIterable {
  case starting, running, draining, stopped
}

/// The forwarder's side of its segment: owns the file prefix, the mapping and the pages behind it until it goes. The
/// file stays, for the post-mortem.
///
/// Records have one writer each; which one is the caller's business.
@safe
public final class SegmentWriter: @unchecked Sendable {
  /// As laid out in the file.
  public let schema: Schema
  public let paths: SegmentPaths
  public let bootID: BootID
  /// Bytes.
  public var size: Int { file.mapping.size }

  private let file: SegmentFile
  private let lock: OwnerLock
  private let kinds: [KindID: Kind]

  /// Takes the prefix, keeps the previous run's segment one generation, and publishes a new one in state `starting`.
  ///
  /// - Parameter version: of the program, at most 31 bytes.
  public init(
    prefix: String, schema: Schema, options: SegmentOptions = SegmentOptions(), writer version: String, tscHz: UInt64
  ) throws(SegmentError) {
    let paths = try SegmentPaths(root: options.root, prefix: prefix)
    let layout = try SchemaWriter(schema)
    let access = try Access(options)
    try SegmentFile.makeFolders(paths, access: access)
    let lock = try OwnerLock(paths, access: access)
    let bootID = BootID.random()
    let file = try SegmentFile(
      paths, size: Int(layout.header.total_size), hugetlbfs: options.hugetlbfs, bootID: bootID, access: access)

    var header = layout.header
    header.total_size = UInt64(file.mapping.size)
    header.started_wall = Clock.wall()
    header.started_monotonic = Clock.monotonic()
    header.heartbeat = header.started_monotonic
    header.tsc_hz = tscHz
    header.writer_pid = UInt32(getpid())
    header.page_size = UInt32(sysconf(Int32(_SC_PAGESIZE)))
    header.backing = file.isHuge ? 2 : 1
    header.backing_page_size = UInt32(file.pageSize)
    setText(&header.version, version)
    setText(&header.prefix, prefix)
    unsafe withUnsafeMutableBytes(of: &header.boot_id) {
      unsafe $0.storeBytes(of: bootID.high.bigEndian, as: UInt64.self)
      unsafe $0.storeBytes(of: bootID.low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
    header.checksum = SegmentChecksum.of(header, schema: layout.bytes[...])
    unsafe file.mapping.start.storeBytes(of: header, as: dpdkfwd_segment_header.self)
    unsafe layout.bytes.withUnsafeBytes { schema in
      unsafe (file.mapping.start + Int(header.header_size)).copyMemory(
        from: schema.baseAddress!, byteCount: schema.count)
    }
    lock.sign(pid: getpid(), bootID: bootID)

    self.schema = layout.schema
    self.paths = paths
    self.bootID = bootID
    self.kinds = Dictionary(uniqueKeysWithValues: layout.schema.kinds.map { ($0.id, $0) })
    self.lock = lock
    self.file = file
    numberTallies()
    numberFragmentCounts()
    try self.file.publish()
  }

  /// Whether a segment could be made now: nobody owns the prefix, the group and the folder are there, and there is room.
  /// Leaves nothing behind.
  ///
  /// - Parameter schema: of the segment; `nil`: of whatever size.
  public static func check(
    prefix: String, schema: Schema? = nil, options: SegmentOptions = SegmentOptions()
  ) throws(SegmentError) {
    let paths = try SegmentPaths(root: options.root, prefix: prefix)
    _ = try Access(options)
    if let owner = try OwnerLock.living(paths) { throw .owned(prefix: prefix, pid: owner.pid) }
    if let folder = options.hugetlbfs, unsafe access(folder, W_OK | X_OK) != 0 { throw .last("access", folder) }
    guard let schema else { return }
    let needed = Int(try SchemaWriter(schema).header.total_size)
    let home = options.hugetlbfs ?? paths.segment
    // The run before the last one goes if it is in the way.
    if let free = FreeSpace.at(home), free + FreeSpace.taken(by: paths.previous) < needed {
      throw .noSpace(path: home, needed: needed, free: free)
    }
  }

  /// Where a record lies. Traps when the schema has no such record: a slip of the caller, at start.
  public func record(kind id: KindID, shard: Int = 0, index: Int = 0) -> UnsafeMutableRawPointer {
    guard let kind = kinds[id] else { preconditionFailure("the schema has no kind \(id.rawValue)") }
    precondition(
      (0..<kind.shards).contains(shard) && (0..<kind.records).contains(index), "no such record of \(kind.name)")
    let offset = kind.offset + shard * kind.shardStride + index * kind.stride
    return unsafe file.mapping.start + offset
  }

  public func setState(_ state: SegmentState) {
    if state == .stopped { live(\.stopped_wall).store(Clock.wall()) }
    live(\.state).store(state.rawValue)
  }

  /// Says that the forwarder lives.
  ///
  /// - Parameter now: nanoseconds of CLOCK_MONOTONIC.
  public func beat(_ now: UInt64) { live(\.heartbeat).store(now) }

  private func live(_ path: KeyPath<dpdkfwd_segment_header, UInt64>) -> Counter {
    let header = unsafe file.mapping.start.assumingMemoryBound(to: dpdkfwd_segment_header.self)
    return unsafe Counter(cells(of: header, path))
  }
}
