import CSegment
import Glibc
import Testing

@testable import Segment

/// Who owns a prefix, what stays of the run before, and how a dead forwarder is told from a living one.
@Suite struct OwnerTests {
  let scratch = Scratch()

  @Test func `a second owner is refused with the pid of the first`() throws {
    let first = try scratch.writer()
    #expect(throws: SegmentError.owned(prefix: "t", pid: Int(getpid()))) { try scratch.writer() }
    #expect(throws: Never.self) { try scratch.writer("other") }
    #expect(try scratch.reader().info.bootID == first.bootID)
  }

  @Test func `a refused owner leaves the first one's segment alone`() throws {
    let first = try scratch.writer()
    first.setState(.running)
    _ = try? scratch.writer()
    #expect(try scratch.reader().liveness() == .running)
    #expect(throws: SegmentError.self) { try scratch.reader(previous: true) }
    withExtendedLifetime(first) {}
  }

  @Test func `the run before is kept, and only that one`() throws {
    var bootIDs: [BootID] = []
    for _ in 0..<3 {
      let writer = try scratch.writer()
      bootIDs.append(writer.bootID)
      writer.setState(.stopped)
    }
    #expect(try scratch.reader().info.bootID == bootIDs[2])
    #expect(try scratch.reader(previous: true).info.bootID == bootIDs[1])
    #expect(try scratch.reader(previous: true).liveness() == .stopped)
    #expect(Set(try SegmentPaths.prefixes(root: "\(scratch.root)/t")) == ["lock", "segment", "segment.previous"])
  }

  @Test func `what a failed start left behind is in nobody's way`() throws {
    let paths = try scratch.paths()
    do { _ = try scratch.writer() }
    _ = scratch.write([1, 2, 3], as: "t/segment.unfinished")
    let writer = try scratch.writer()
    #expect(try scratch.reader().info.bootID == writer.bootID)
    #expect(try SegmentPaths.prefixes(root: paths.folder) == ["lock", "segment", "segment.previous"])
  }

  @Test func `a reader sees the run it attached to, whatever starts after`() throws {
    do {
      let writer = try scratch.writer()
      unsafe Counter(cells(of: writer.lcore(0), \.rx_packets)).store(7)
    }
    let reader = try scratch.reader()
    let next = try scratch.writer()
    next.setState(.running)
    #expect(reader.records(of: try reader.kind("lcores"))[0]["rx_packets"] == .unsigned(7))
    #expect(try reader.liveness() == .stale)
  }

  @Test func `the states of a life are told apart`() throws {
    var writer: SegmentWriter? = try scratch.writer()
    let reader = try scratch.reader()
    for (state, expected) in [(SegmentState.starting, Liveness.starting), (.running, .running), (.draining, .draining)]
    {
      writer?.setState(state)
      #expect(try reader.liveness() == expected)
    }
    #expect(reader.stopped == nil)
    writer?.setState(.stopped)
    #expect(try reader.liveness() == .stopped)
    #expect(reader.stopped != nil)
    withExtendedLifetime(writer) {}
    writer = nil
    #expect(try reader.liveness() == .stopped)
  }

  @Test func `a writer that goes without a word is stale`() throws {
    var writer: SegmentWriter? = try scratch.writer()
    writer?.setState(.running)
    let reader = try scratch.reader()
    writer?.beat(reader.info.startedMonotonic + 5_000_000_000)
    #expect(reader.lifetime == 5_000_000_000)
    #expect(try reader.liveness() == .running)
    withExtendedLifetime(writer) {}
    writer = nil
    #expect(try reader.liveness() == .stale)
  }

  @Test func `mode and group are as asked for`() throws {
    let group = getgid()
    let writer = try scratch.writer(mode: 0o644, group: "\(group)")
    let paths = writer.paths
    #expect(Scratch.status(paths.segment) == (0o644, group))
    #expect(Scratch.status(paths.lock) == (0o644, group))
    #expect(Scratch.status(paths.folder) == (0o755, group))
    #expect(Scratch.status(paths.root).mode == 0o755)
    let closed = try scratch.writer("closed")
    #expect(Scratch.status(closed.paths.segment).mode == 0o640)
    #expect(Scratch.status(closed.paths.folder).mode == 0o750)
  }

  @Test func `an unknown group is an error, not a default`() {
    #expect(throws: SegmentError.invalid("there is no group 'no-such-group'")) {
      try scratch.writer(group: "no-such-group")
    }
  }

  @Test func `the segment's memory is allocated, not promised`() throws {
    let writer = try scratch.writer()
    var status = stat()
    unsafe stat(writer.paths.segment, &status)
    #expect(Int(status.st_blocks) * 512 >= writer.size)
  }

  /// Any folder may stand in for a hugetlbfs: what counts is the link and the file's own name.
  @Test func `a segment elsewhere is found through a link, and goes with it`() throws {
    let elsewhere = Scratch()
    unsafe mkdir(elsewhere.root, 0o755)
    let options = SegmentOptions(root: scratch.root, hugetlbfs: elsewhere.root)
    for run in 1...4 {
      let writer = try SegmentWriter(prefix: "t", schema: .small, options: options, writer: "0.1", tscHz: 1)
      let reader = try scratch.reader()
      #expect(reader.info.isHuge)
      #expect(reader.info.bootID == writer.bootID)
      #expect(try SegmentPaths.prefixes(root: elsewhere.root).count == min(run, 2))
    }
  }

  private static let hugetlbfs = "/dev/hugepages"
  private static let hasHugePages: Bool = {
    let info = String(decoding: Scratch.read("/proc/meminfo"), as: UTF8.self)
    let free = info.split(separator: "\n").first { $0.hasPrefix("HugePages_Free:") }?.split(separator: " ").last
    return unsafe access(hugetlbfs, W_OK) == 0 && free.flatMap { Int($0) } ?? 0 >= 4
  }()

  @Test(.enabled(if: hasHugePages, "needs a few free pages on /dev/hugepages"))
  func `a segment on hugepages is read like any other`() throws {
    let options = SegmentOptions(root: scratch.root, hugetlbfs: Self.hugetlbfs)
    let writer = try SegmentWriter(prefix: "huge", schema: .small, options: options, writer: "0.1", tscHz: 1)
    defer { unsafe unlink("\(Self.hugetlbfs)/dpdkfwd.huge.\(writer.bootID)") }
    unsafe Counter(cells(of: writer.lcore(1), \.rx_packets)).store(9)
    let reader = try scratch.reader("huge")
    #expect(reader.info.isHuge)
    #expect(reader.info.backingPageSize >= 2 << 20)
    #expect(reader.info.size % reader.info.backingPageSize == 0)
    #expect(reader.records(of: try reader.kind("lcores"))[1]["rx_packets"] == .unsigned(9))
  }
}
