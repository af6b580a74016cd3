internal import CSegment
internal import Logging
internal import Offload
internal import Pipeline
internal import Primitives
internal import Segment
internal import Settings

/// Follows the links of the ports: notes them in the segment, closes the way to a port that is down, and takes the
/// other end of a pair down with it.
struct LinkWatch {
  /// Looks, ten a second: a link may take ten seconds to rise.
  static let patience = 100

  private let ports: [Port]
  private let propagates: Bool
  private var pairs: [(a: Int, b: Int, machine: LinkPropagation)] = []
  private var wasUp: [Bool?]

  private let offload: OffloadBoard?

  init(ports: [Port], propagates: Bool, offload: OffloadBoard? = nil) {
    self.offload = offload
    self.ports = ports
    self.propagates = propagates
    wasUp = ports.map { _ in nil }
    for (i, port) in ports.enumerated() where port.plan.id < port.plan.pair {
      guard let other = ports.firstIndex(where: { $0.plan.id == port.plan.pair }) else { continue }
      pairs.append((i, other, LinkPropagation(patience: Self.patience)))
    }
  }

  mutating func look(_ segment: SegmentWriter, _ orders: Orders, _ log: Logger) {
    var down: UInt64 = 0
    for (i, port) in ports.enumerated() {
      let link = port.link
      note(i, link, segment, log)
      if !link.up, port.plan.id < 64 { down |= 1 << UInt64(port.plan.id) }
    }
    orders.downPorts = down
    guard propagates else { return }
    for p in pairs.indices { propagate(p, log) }
  }

  private mutating func note(_ i: Int, _ link: (up: Bool, speed: UInt32), _ segment: SegmentWriter, _ log: Logger) {
    let record = unsafe segment.port(i)
    unsafe record.pointee.link = link.up ? 1 : 0
    unsafe record.pointee.link_speed = link.speed
    guard wasUp[i] != link.up else { return }
    if wasUp[i] != nil || !link.up { offload?.port(PortID(rawValue: ports[i].number), isUp: link.up) }
    if wasUp[i] != nil {
      unsafe record.pointee.link_changes &+= 1
      log.notice("\(ports[i].plan.name): the link is \(link.up ? "up" : "down")")
    } else if !link.up {
      log.warning("\(ports[i].plan.name): the link is down; what should leave there is dropped")
    }
    wasUp[i] = link.up
  }

  private mutating func propagate(_ p: Int, _ log: Logger) {
    let (a, b) = (pairs[p].a, pairs[p].b)
    guard let order = pairs[p].machine.next(aUp: wasUp[a] ?? true, bUp: wasUp[b] ?? true) else { return }
    switch order {
    case .takeDown(let side):
      let name = ports[side == .a ? a : b].plan.name
      if ports[side == .a ? a : b].setLink(up: false) {
        log.notice("\(name): taken down, as the other side of its pair is")
      } else {
        log.warning("\(name): the other side of its pair is down, but its driver cannot take this one down")
        pairs[p].machine.refused(side)
      }
    case .bringUp(let side):
      let name = ports[side == .a ? a : b].plan.name
      let done = ports[side == .a ? a : b].setLink(up: true)
      log.notice("\(name): \(done ? "brought up again" : "its driver does not bring it up again")")
    }
  }
}
