internal import JSONText
internal import Segment

// ipf-*: what concerns fragments.
extension Dpctl {
  func setFragments(_ words: DpctlWords, on: Bool) async throws(DpctlFailure) {
    var words = words
    guard let family = words.rest.last, Self.families.contains(family) else {
      throw .invalid("parameter missing: 'v4' for IPv4 or 'v6' for IPv6")
    }
    _ = try words.exactly(1)
    let doing = (on ? "enabling" : "disabling") + " fragmentation reassembly"
    try await change("fragments.set", [(family, .object([("enabled", .truth(on))]))], failing: doing + " failed")
    say(doing + " successful")
  }

  private static let families = ["v4", "v6"]

  func setSmallestFragment(_ words: DpctlWords) async throws(DpctlFailure) {
    var words = words
    let parameters = try words.exactly(2)
    guard Self.families.contains(parameters[0]) else {
      throw .invalid("parameter missing: v4 for IPv4 or v6 for IPv6")
    }
    guard let size: UInt16 = DpctlWords.decimal(parameters[1]) else {
      throw .invalid("parameter missing for minimum fragment size")
    }
    // 0 is no limit, which Open vSwitch does not have; it is ours unless another one is set.
    guard size == 0 || size >= 400 else {
      throw .refused(
        "requested minimum fragment size too small; see documentation", "Operation not permitted",
        detail: "400 is the least; see [fragments] in dpdkfwd.toml(5)")
    }
    try await change(
      "fragments.set", [(parameters[0], .object([("min_size", .unsigned(UInt64(size)))]))],
      failing: "setting minimum fragment size failed")
    say("setting minimum fragment size successful")
  }

  func setMaxFragments(_ words: DpctlWords) async throws(DpctlFailure) {
    var words = words
    guard let most: UInt32 = DpctlWords.decimal(try words.exactly(1)[0]) else {
      throw .invalid("parameter missing for maximum fragments")
    }
    try await change(
      "fragments.set", [("max_fragments", .unsigned(UInt64(most)))], failing: "setting maximum fragments failed")
    say("setting maximum fragments successful")
  }

  func showFragments(_ words: DpctlWords) throws(DpctlFailure) {
    var words = words
    words.takeDatapath()
    let more = words.more + (words.takeWord("verbose") ? 1 : 0)
    let zone = try words.takeZone()
    try words.end()
    console.out(
      try reading("ipf status could not be retrieved") { forwarder throws(SegmentError) in
        try forwarder.fragmentStatus(zone: zone, more: more)
      })
  }
}
