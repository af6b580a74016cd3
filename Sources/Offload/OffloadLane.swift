internal import Synchronization
internal import Tables

/// A worker's end: requests go in, reports come out, and nothing waits. A copy is the same lane; its memory lives as
/// long as the process.
@safe
public struct OffloadLane: BitwiseCopyable, @unchecked Sendable {
  let requests: Ring<OffloadRequest>
  let reports: Ring<OffloadReport>
  private let lost: UnsafeMutablePointer<Atomic<UInt64>>

  public init(_ settings: OffloadSettings) {
    requests = Ring(capacity: settings.requests)
    reports = Ring(capacity: settings.reports)
    unsafe lost = .allocate(capacity: 1)
    unsafe lost.initialize(to: Atomic(0))
  }

  // MARK: The worker's side

  /// False when there is no room: the request is counted as dropped, and nothing else comes of it. (A rule whose removal
  /// is dropped ages, or goes when its connection's record is offloaded again.)
  public func ask(_ request: OffloadRequest) -> Bool {
    if requests.put(request) { return true }
    unsafe lost.pointee.wrappingAdd(1, ordering: .relaxed)
    return false
  }

  /// The next report, if there is one.
  public func report() -> OffloadReport? { reports.take() }

  // MARK: Anyone's

  /// Requests that found no room.
  public var dropped: UInt64 { unsafe lost.pointee.load(ordering: .relaxed) }
}
