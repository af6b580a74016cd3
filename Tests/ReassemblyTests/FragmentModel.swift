import Primitives
import Reassembly

/// Datagrams in a dictionary, each a map of the octets that are there: what a fragment table means, written as plainly
/// as can be and sharing nothing with it. Time is 64 bits wide.
struct FragmentModel {
  struct Key: Hashable {
    var family: Int
    var id, source: UInt32
    var zone: UInt16
    var number: UInt8

    init(_ fragment: Fragment) {
      (family, id, source, zone) = (fragment.family, fragment.id, fragment.source, fragment.zone)
      number = family == 0 ? fragment.number : 0
    }
  }

  struct Source: Hashable {
    var family: Int
    var address: UInt32
  }

  struct Datagram {
    var began, deadline: UInt64
    var pieces: [Fragment] = []
    var octets = Octets()
    var isDiscarded = false

    var end: Int? { pieces.first { !$0.more }?.payload.upperBound }
    var furthest: Int { pieces.map(\.payload.upperBound).max() ?? 0 }
  }

  /// A bit for each octet of a payload.
  struct Octets {
    static let most = 1024
    private var words = [UInt64](repeating: 0, count: most / 64)

    private func masks(_ range: Range<Int>) -> [(word: Int, mask: UInt64)] {
      (range.lowerBound / 64...(range.upperBound - 1) / 64).map { word in
        let low = max(range.lowerBound - word * 64, 0)
        let high = min(range.upperBound - word * 64, 64)
        return (word, (high == 64 ? .max : 1 << UInt64(high) - 1) & ~(1 << UInt64(low) - 1))
      }
    }
    mutating func insert(_ range: Range<Int>) {
      for (word, mask) in masks(range) { words[word] |= mask }
    }
    func has(anyOf range: Range<Int>) -> Bool { masks(range).contains { words[$0.word] & $0.mask != 0 } }
    var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
  }

  var settings: FragmentSettings
  /// What the table cannot exceed.
  let capacity: (datagrams: Int, fragments: Int)
  var now: UInt64
  private(set) var datagrams: [Key: Datagram] = [:]
  /// Keys by age: waiting IPv4, IPv6; discarded IPv4, IPv6.
  private var ages: [[Key]] = [[], [], [], []]
  private(set) var leaving: [[Fragment]] = []
  private(set) var events = [[Int]](repeating: [Int](repeating: 0, count: FragmentEvent.slots), count: 2)
  private(set) var datagramEvents = [[Int]](repeating: [Int](repeating: 0, count: DatagramEvent.slots), count: 2)
  private(set) var fragments = 0
  private(set) var mbufs = 0
  private(set) var bytes = 0
  private(set) var shares: [Source: Int] = [:]
  private var isPressed = false
  private var turn = 0

  init(_ settings: FragmentSettings, now: UInt64) {
    self.settings = settings
    self.now = now
    capacity = (settings.datagrams, settings.fragments)
  }

  var discarded: Int { ages[2].count + ages[3].count }
  var live: Int { datagrams.count + leaving.count }

  private func timeout(_ family: Int) -> UInt64 { UInt64((family == 0 ? settings.ipv4 : settings.ipv6).timeout) }

  // MARK: Take

  /// What becomes of a fragment; a datagram that is whole goes to `leaving`.
  mutating func take(_ fragment: Fragment) -> TakenFragment {
    let key = Key(fragment)
    if let fault = fault(of: fragment) { return refuse(fragment, fault) }
    if let known = datagrams[key], known.deadline <= now { end(key, .expired) }
    guard let known = datagrams[key] else { return begin(key, fragment) }
    if known.isDiscarded { return refuse(fragment, .straggler) }
    if let event = conflict(known, fragment) {
      if event == .duplicate { return refuse(fragment, event) }
      discard(key, event)
      return refuse(fragment, event)
    }
    guard makeShare(for: fragment, key) else { return refuse(fragment, .sourceShare) }
    guard makeRoom(for: fragment, key) else { return refuse(fragment, .noRoom) }
    return put(key, fragment)
  }

  private func fault(of fragment: Fragment) -> FragmentEvent? {
    let smallest = (fragment.family == 0 ? settings.ipv4 : settings.ipv6).smallest
    if let fault = fragment.fault { return fault }
    if fragment.more, fragment.payload.count % 8 != 0 { return .misaligned }
    if fragment.more, fragment.headers + fragment.payload.count < Int(smallest) { return .tooSmall }
    return nil
  }

  private func conflict(_ datagram: Datagram, _ fragment: Fragment) -> FragmentEvent? {
    if fragment.payload.isEmpty { return .empty }
    if let like = datagram.pieces.first(where: { $0.payload == fragment.payload }) {
      return like.more == fragment.more ? .duplicate : .endConflict
    }
    if datagram.octets.has(anyOf: fragment.payload) { return .overlapped }
    if let end = datagram.end, !fragment.more || fragment.payload.upperBound > end { return .endConflict }
    if !fragment.more, datagram.furthest > fragment.payload.upperBound { return .endConflict }
    return datagram.pieces.count >= settings.perDatagram ? .tooMany : nil
  }

  private mutating func begin(_ key: Key, _ fragment: Fragment) -> TakenFragment {
    if !fragment.payload.isEmpty {
      guard makeShare(for: fragment, nil) else { return refuse(fragment, .sourceShare) }
      guard makeRoom(for: fragment, nil) else { return refuse(fragment, .noRoom) }
    }
    for _ in 0..<64 where live >= settings.datagrams {
      guard let victim = oldestDiscarded ?? oldestWaiting(besides: nil) else { break }
      end(victim, .evicted)
    }
    guard live < settings.datagrams else { return refuse(fragment, .noRoom) }
    datagrams[key] = Datagram(began: now, deadline: now + timeout(key.family))
    ages[key.family].append(key)
    datagramEvents[key.family][Int(DatagramEvent.started.rawValue)] += 1
    guard fragment.payload.isEmpty else { return put(key, fragment) }
    discard(key, .empty)
    return refuse(fragment, .empty)
  }

  private mutating func put(_ key: Key, _ fragment: Fragment) -> TakenFragment {
    datagrams[key]!.pieces.append(fragment)
    datagrams[key]!.octets.insert(fragment.payload)
    events[key.family][Int(FragmentEvent.accepted.rawValue)] += 1
    account([fragment], 1)
    if isAbove(settings.high) { isPressed = true }
    let datagram = datagrams[key]!
    guard let end = datagram.end, datagram.octets.count == end else { return .held }
    let codepoints = Set(datagram.pieces.map(\.ecn))
    if codepoints.contains(0), codepoints.count > 1 {
      discard(key, .ecn)
      return .held
    }
    datagrams[key] = nil
    ages[key.family].removeAll { $0 == key }
    leaving.append(datagram.pieces)
    return .complete(slot: -1)
  }

  private mutating func refuse(_ fragment: Fragment, _ event: FragmentEvent) -> TakenFragment {
    events[fragment.family][Int(event.rawValue)] += 1
    return .refused(event)
  }

  // MARK: Room

  private var share: Int { max(1, min(settings.fragments, settings.mbufs) * settings.sourceShare / 100) }

  /// Whether its source has its share without it.
  private func hasShare(_ fragment: Fragment) -> Bool {
    let has = shares[Source(family: fragment.family, address: fragment.source), default: 0]
    return settings.sourceShare < 100 && has + Int(fragment.mbufs) > share
  }

  /// Of the 16 oldest of its family those of the same source go.
  private mutating func makeShare(for fragment: Fragment, _ own: Key?) -> Bool {
    if !hasShare(fragment) { return true }
    let alone = own.map { datagrams[$0]!.pieces.reduce(0) { $0 + Int($1.mbufs) } } ?? 0
    guard alone + Int(fragment.mbufs) <= share else { return false }
    for key in ages[fragment.family].prefix(16) where key != own && key.source == fragment.source {
      end(key, .evicted)
      if !hasShare(fragment) { return true }
    }
    return false
  }

  private func fits(_ fragment: Fragment, beside pieces: (fragments: Int, mbufs: Int, bytes: Int)) -> Bool {
    pieces.fragments + 1 <= settings.fragments && pieces.mbufs + Int(fragment.mbufs) <= settings.mbufs
      && pieces.bytes + fragment.frameBytes <= settings.bytes
  }

  private mutating func makeRoom(for fragment: Fragment, _ key: Key?) -> Bool {
    if fits(fragment, beside: (fragments, mbufs, bytes)) { return true }
    let own = key.map { datagrams[$0]!.pieces } ?? []
    let alone = (own.count, own.reduce(0) { $0 + Int($1.mbufs) }, own.reduce(0) { $0 + $1.frameBytes })
    guard fits(fragment, beside: alone) else { return false }
    for _ in 0..<64 {
      guard let victim = oldestWaiting(besides: key) else { return false }
      end(victim, .evicted)
      if fits(fragment, beside: (fragments, mbufs, bytes)) { return true }
    }
    return false
  }

  private func isAbove(_ percent: Int) -> Bool {
    fragments * 100 > settings.fragments * percent || mbufs * 100 > settings.mbufs * percent
      || bytes * 100 > settings.bytes * percent
  }

  private func older(_ a: Key?, _ b: Key?) -> Key? {
    guard let a, let b else { return a ?? b }
    return datagrams[a]!.began <= datagrams[b]!.began ? a : b
  }
  private func oldestWaiting(besides key: Key?) -> Key? {
    older(ages[0].first { $0 != key }, ages[1].first { $0 != key })
  }
  private var oldestDiscarded: Key? { older(ages[2].first, ages[3].first) }

  private mutating func account(_ pieces: [Fragment], _ sign: Int) {
    for piece in pieces {
      fragments += sign
      mbufs += sign * Int(piece.mbufs)
      bytes += sign * piece.frameBytes
      shares[Source(family: piece.family, address: piece.source), default: 0] += sign * Int(piece.mbufs)
    }
  }

  // MARK: Ends

  private mutating func note(_ key: Key, _ event: FragmentEvent) {
    let outcome: DatagramEvent =
      switch event {
      case .expired: .expired
      case .overlapped: .overlapped
      case .evicted: .evicted
      case .purged: .purged
      default: .discarded
      }
    datagramEvents[key.family][Int(outcome.rawValue)] += 1
    events[key.family][Int(event.rawValue)] += datagrams[key]!.pieces.count
    account(datagrams[key]!.pieces, -1)
  }

  private mutating func discard(_ key: Key, _ event: FragmentEvent) {
    note(key, event)
    ages[key.family].removeAll { $0 == key }
    ages[2 + key.family].append(key)
    datagrams[key]!.pieces = []
    datagrams[key]!.isDiscarded = true
    datagrams[key]!.deadline = now + timeout(key.family)
  }

  private mutating func end(_ key: Key, _ event: FragmentEvent) {
    let isDiscarded = datagrams[key]!.isDiscarded
    if !isDiscarded { note(key, event) }
    ages[key.family + (isDiscarded ? 2 : 0)].removeAll { $0 == key }
    datagrams[key] = nil
  }

  mutating func finish(_ place: Int, as end: FragmentBench.End) {
    let pieces = leaving.remove(at: place)
    let family = pieces[0].family
    account(pieces, -1)
    let (fragments, outcome): (FragmentEvent, DatagramEvent) =
      switch end {
      case .sent, .cut: (.completed, .completed)
      case .handedOff: (.handedOff, .handedOff)
      case .refused: (.refused, .refused)
      }
    events[family][Int(fragments.rawValue)] += pieces.count
    datagramEvents[family][Int(outcome.rawValue)] += 1
    if end == .cut { datagramEvents[family][Int(DatagramEvent.cut.rawValue)] += 1 }
  }

  mutating func tick(most: Int) {
    guard live > 0 else { return }
    var left = most
    turn += 1
    for list in (0..<4).map({ (turn + $0) % 4 }) {
      while left > 0, let key = ages[list].first, datagrams[key]!.deadline <= now {
        end(key, .expired)
        left -= 1
      }
    }
    for family in 0..<2 where !(family == 0 ? settings.ipv4 : settings.ipv6).isOn {
      while left > 0, let key = ages[family].first ?? ages[2 + family].first {
        end(key, .purged)
        left -= 1
      }
    }
    while isPressed, left > 0 {
      guard isAbove(settings.low), let victim = oldestWaiting(besides: nil) else {
        isPressed = false
        return
      }
      end(victim, .evicted)
      left -= 1
    }
  }

  mutating func set(_ wanted: FragmentSettings) {
    let before = settings
    settings = wanted
    settings.datagrams = min(wanted.datagrams, capacity.datagrams)
    settings.fragments = min(wanted.fragments, capacity.fragments)
    for (key, datagram) in datagrams {
      let old = UInt64((key.family == 0 ? before.ipv4 : before.ipv6).timeout)
      datagrams[key]!.deadline = datagram.deadline + timeout(key.family) - old
    }
    if isAbove(settings.high) { isPressed = true }
  }
}
