internal import Reassembly

extension DropReason {
  /// Why a fragment is dropped that the table counts under that event.
  init(_ event: FragmentEvent) {
    self =
      switch event {
      case .expired: .fragExpired
      case .tooSmall: .fragTooSmall
      case .overlapped: .fragOverlapped
      case .purged: .fragPurged
      case .duplicate: .fragDuplicate
      case .straggler: .fragStraggler
      case .tooMany: .fragTooMany
      case .oversize: .fragOversize
      case .misaligned: .fragMisaligned
      case .empty: .fragEmpty
      case .endConflict: .fragEndConflict
      case .headerChain: .fragHeaderChain
      case .badHeader: .fragBadHeader
      case .ecn: .fragECN
      case .noRoom: .fragNoRoom
      case .sourceShare: .fragSourceShare
      case .evicted: .fragEvicted
      case .noBuffer: .fragNoBuffer
      case .accepted, .completed, .atomic, .truncated, .unknownProtocol, .refused, .handedOff:
        preconditionFailure("\(event) is no reason to drop a fragment")
      }
  }
}
