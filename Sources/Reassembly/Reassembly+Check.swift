internal import CSegment
internal import Primitives
internal import Tables

extension Reassembly {
  /// Whether all that is chained, indexed and counted is what the records give rise to; if not, what is wrong.
  /// O(memory): for tests and simulations.
  public func checkInvariants() -> String? {
    checkRecords() ?? checkAges() ?? checkPieces() ?? checkIndex() ?? checkTotals()
  }

  private var live: [Int] { (0..<usedDatagrams).filter { unsafe datagrams[$0].generation != 0 } }

  private func has(_ slot: Int, _ flag: UInt8) -> Bool { unsafe datagrams[slot].flags & flag != 0 }

  /// Every record that was used is live or free.
  private func checkRecords() -> String? {
    var isFree = [Bool](repeating: false, count: usedDatagrams)
    var next = freeDatagram
    while next != 0 {
      let slot = Int(next) - 1
      guard slot < usedDatagrams, !isFree[slot] else { return "datagram \(slot) is free twice" }
      isFree[slot] = true
      next = unsafe datagrams[slot].newer
    }
    for slot in isFree.indices where unsafe (datagrams[slot].generation != 0) == isFree[slot] {
      return "datagram \(slot) is lost, or live and free"
    }
    for slot in usedDatagrams..<datagramCapacity where unsafe datagrams[slot].generation != 0 {
      return "datagram \(slot) was never taken, and lives"
    }
    return nil
  }

  /// Every datagram that is not complete stands in the list of its kind, and those in front have less time.
  private func checkAges() -> String? {
    var listed = 0
    for list in 0..<Ages.lists {
      var before: UInt32 = 0
      var wrong: String?
      ages.forEach(in: list) { slot in
        let record = unsafe datagrams[slot]
        listed += 1
        if record.generation == 0 || has(slot, DPDKFWD_FRAG_COMPLETE) { wrong = "datagram \(slot) ages, and is over" }
        if unsafe (datagrams + slot).ageList != list { wrong = "datagram \(slot) is in the list of another kind" }
        if record.older != before { wrong = "datagram \(slot) does not know who is older" }
        if before != 0, unsafe Int32(bitPattern: record.deadline &- datagrams[Int(before) - 1].deadline) < 0 {
          wrong = "datagram \(slot) has less time than an older one"
        }
        before = UInt32(slot + 1)
      }
      if let wrong { return wrong }
      if ages.newest(in: list).map({ UInt32($0 + 1) }) ?? 0 != before { return "list \(list) has another end" }
    }
    let waiting = live.count { !has($0, DPDKFWD_FRAG_COMPLETE) }
    return listed == waiting ? nil : "\(listed) datagrams age, of \(waiting)"
  }

  /// The pieces of a datagram lie in order, none over another, and are what it counts; every other one is free.
  private func checkPieces() -> String? {
    var isSeen = [Bool](repeating: false, count: usedPieces)
    for slot in live {
      let record = unsafe datagrams[slot]
      var (fragments, covered, bytes, mbufs): (UInt16, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
      var (end, last, link): (UInt32, UInt32, UInt32) = (0, 0, record.first)
      var furthest: [UInt16: UInt32] = [:]
      while link != 0 {
        let number = Int(link) - 1
        guard number < usedPieces, !isSeen[number] else { return "piece \(number) is of two datagrams" }
        isSeen[number] = true
        let piece = unsafe pieces[number]
        guard piece.owner == record.generation else { return "piece \(number) names another owner" }
        guard UInt32(piece.offset) >= end, piece.length > 0 else { return "piece \(number) lies over another" }
        if piece.more == 0, piece.next != 0 || record.end != UInt32(piece.offset) + UInt32(piece.length) {
          return "piece \(number) is not the end"
        }
        fragments += 1
        covered += UInt32(piece.length)
        bytes += packets[number].length
        mbufs += UInt32(piece.mbufs)
        (end, last, link) = (UInt32(piece.offset) + UInt32(piece.length), link, piece.next)
        furthest[piece.offset >> 10] = last
      }
      guard record.last == last, record.fragments == fragments, record.covered == covered, record.bytes == bytes,
        record.mbufs == mbufs
      else { return "datagram \(slot) does not count what it has" }
      let isWhole = record.end == record.covered
      guard has(slot, DPDKFWD_FRAG_DISCARDED) ? fragments == 0 : fragments > 0 else {
        return "datagram \(slot) waits without a fragment, or is discarded with one"
      }
      guard has(slot, DPDKFWD_FRAG_COMPLETE) == (isWhole && fragments > 0) else {
        return "datagram \(slot) waits, and is whole"
      }
      if let wrong = directory.check(slot, fragments, furthest) { return wrong }
    }
    var next = freePiece
    while next != 0 {
      let number = Int(next) - 1
      guard number < usedPieces, !isSeen[number], unsafe pieces[number].owner == 0 else {
        return "piece \(number) is free and held"
      }
      isSeen[number] = true
      next = unsafe pieces[number].next
    }
    return isSeen.allSatisfy(\.self) ? nil : "\(isSeen.count { !$0 }) pieces are lost"
  }

  /// The index leads to every datagram that is not complete, and to nothing else.
  private func checkIndex() -> String? {
    let findable = live.filter { !has($0, DPDKFWD_FRAG_COMPLETE) }
    for slot in findable {
      let hash = unsafe FragmentKey(of: datagrams + slot, secret).hash
      guard hash == hashes[slot], index.find(hash, where: { $0.slot == UInt32(slot) }) != nil else {
        return "datagram \(slot) is not found"
      }
    }
    if index.count != findable.count { return "\(index.count) index entries for \(findable.count) datagrams" }
    let isSound = index.checkInvariants { entry in unsafe FragmentKey(of: datagrams + Int(entry.slot), secret).hash }
    return isSound ? nil : "the index is not sound"
  }

  private func checkTotals() -> String? {
    let now = unsafe counts.pointee
    let records = live.map { unsafe datagrams[$0] }
    func total(_ value: (dpdkfwd_frag_record) -> UInt64) -> UInt64 { records.reduce(0) { $0 + value($1) } }
    guard now.datagrams == UInt64(records.count), now.fragments == total({ UInt64($0.fragments) }),
      now.bytes == total({ UInt64($0.bytes) }), now.mbufs == total({ UInt64($0.mbufs) }),
      now.discarded == total({ $0.flags & DPDKFWD_FRAG_DISCARDED != 0 ? 1 : 0 })
    else { return "the gauges are not the sums" }
    guard now.datagrams_max >= now.datagrams, now.fragments_max >= now.fragments, now.bytes_max >= now.bytes,
      now.mbufs_max >= now.mbufs
    else { return "more is held than the most there was" }
    var shares = [UInt32](repeating: 0, count: sources.count)
    for record in records { shares[Int(record.source_bucket)] += record.mbufs }
    for bucket in shares.indices where shares[bucket] != sources[bucket] { return "bucket \(bucket) miscounts" }
    return nil
  }
}

extension PieceDirectory {
  /// - Parameter furthest: the last piece that begins in each part.
  func check(_ slot: Int, _ fragments: UInt16, _ furthest: [UInt16: UInt32]) -> String? {
    guard fragments > Self.threshold else { return nil }
    for part in 0..<64 as Range<UInt16> where last(slot, part << 10) != furthest[part] ?? 0 {
      return "the directory of datagram \(slot) is out of date"
    }
    return nil
  }
}
