// Steering: which worker owns a packet. A flow has one owner, so its state is never shared; what arrives elsewhere is
// handed over. `Ownership` is decided once, at start; from it every worker makes an `OwnerTable` of its own and asks it
// for each packet it received. Nothing here knows a ring, a queue or a NIC: only what the NICs are told, so that nearly
// everything lands with its owner at once (`SymmetricKey`).
public import Primitives

/// What of a packet decides who owns it.
public enum SteerBy: String, CaseIterable, BitwiseCopyable, Sendable {
  /// The two addresses, whichever way round: fragments, ICMP errors and the data connections of FTP stay with the flow
  /// they belong to.
  case addressPair = "address-pair"
  /// Protocol and ports too: spreads the flows between two hosts, and parts them from their relations.
  case fiveTuple = "five-tuple"
  /// The port and queue it came in by: whoever receives a packet owns it. For ports that never meet.
  case port
}

/// Who owns what: the same for all workers, from start to end.
public struct Ownership: Sendable {
  /// The function that sends both directions of a flow to one bucket.
  public enum Hash: Sendable {
    /// Made in software alone; nobody outside can choose what collides.
    case keyed(HashSecret)
    /// The one that NICs make of the two addresses, so that a packet lands with its owner. It hangs on the XOR of the
    /// addresses only (see `SymmetricKey`).
    case toeplitz(SymmetricKey)
  }

  public let by: SteerBy
  public let hash: Hash
  /// For each group of ports, the workers that own its flows, by index. Groups with the same owners agree about every
  /// flow, also one that comes back by another group.
  public let owners: [[Int]]
  /// Buckets of the table repeat after so many: the entries of the smallest NIC table that is to agree with it.
  public let period: Int

  /// - Parameters:
  ///   - owners: at least one in each group, each below 256.
  ///   - period: a power of two.
  public init(by: SteerBy, hash: Hash, owners: [[Int]], period: Int = OwnerTable.fewestBuckets) {
    precondition(owners.allSatisfy { !$0.isEmpty && $0.allSatisfy { (0..<256).contains($0) } })
    precondition(period > 0 && period & (period - 1) == 0)
    if case .toeplitz = hash { precondition(by != .fiveTuple, "NICs are told to hash addresses only") }
    self.by = by
    self.hash = hash
    self.owners = owners
    self.period = period
  }

  public var buckets: Int { max(OwnerTable.fewestBuckets, period) }

  /// The owner of a bucket, for packets that came in by a port of that group.
  public func owner(ofBucket bucket: Int, group: Int) -> Int { owners[group][bucket % period % owners[group].count] }
}
