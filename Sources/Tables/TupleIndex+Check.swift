extension TupleIndex {
  /// Whether its counts are those that its entries give rise to. O(memory): for tests and simulations.
  /// - Parameter hash: with which an entry was added.
  public func checkInvariants(hash: (IndexEntry) -> UInt64) -> Bool {
    var passed = [UInt32](repeating: 0, count: Int(buckets))
    var (found, outside) = (0, 0)
    for index in passed.indices {
      let bucket = unsafe base + index * Bucket.bytes
      for place in 0..<Bucket.places where unsafe TupleIndex.tags(bucket)[place] != 0 {
        let hash = hash(unsafe TupleIndex.entry(bucket, place))
        guard unsafe TupleIndex.tags(bucket)[place] == TupleIndex.tag(hash) else { return false }
        found += 1
        var way = unsafe (self.bucket(of: hash) - base) / Bucket.bytes
        if way != index { outside += 1 }
        while way != index {
          passed[way] += 1
          way = (way + 1) % passed.count
        }
      }
    }
    for index in passed.indices {
      guard unsafe TupleIndex.passed(base + index * Bucket.bytes).pointee == passed[index] else { return false }
    }
    return found == used && outside == displaced && used <= capacity
  }
}
