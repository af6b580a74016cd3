import Pipeline
import Primitives
import TestSupport

// What comes in: the wire before a port, the port's receive queue, and what the models say of each packet.

extension World {
  // MARK: From outside

  /// A frame comes to a port; the wire decides whether it arrives, how often, and in what shape.
  func arrive(_ template: Int, port: Int) {
    let rates = scenario.rates
    guard outlets[port].isUp else { return note(.unplugged) }
    if chance.happens(rates.lost) { return note(.lost) }
    var arrival = Arrival(template: Int32(template))
    if chance.happens(rates.damaged) {
      arrival.damage = UInt32(truncatingIfNeeded: chance.next()) | 1
      note(.damaged)
    }
    var worker = Int(traffic.templates[template].flow) % workers
    if chance.happens(rates.astray) {
      worker = chance.below(workers)
      note(.astray)
    }
    let i = port * workers + worker
    push(arrival, i)
    if chance.happens(rates.repeated) {
      note(.repeated)
      push(arrival, i)
    }
    if chance.happens(rates.reordered) {
      note(.reordered)
      inbound[i].frames.hurryLast(by: 1 + chance.below(8))
    }
  }

  private func push(_ arrival: Arrival, _ i: Int) {
    if !inbound[i].frames.push(arrival) { note(.missed) }
  }

  // MARK: A worker receives

  func receive(_ worker: Int, port: Int, queue: Int, into burst: inout OutputSpan<Packet>) {
    guard failure == nil else { return }
    let i = port * workers + queue
    var limit = burst.freeCapacity
    if chance.happens(scenario.rates.shortReceive) {
      note(.shortReceive)
      limit = chance.below(limit + 1)
    }
    while burst.count < limit, let slot = next(i) {
      hand(slot, to: worker, from: i, port: port)
      burst.append(slab.packet(slot))
    }
  }

  /// The next packet of a queue, in a buffer.
  private func next(_ i: Int) -> Int? {
    if inbound[i].isWired { return inbound[i].buffers.pop().map { Int($0) } }
    guard let arrival = inbound[i].frames.pop() else { return nil }
    guard let slot = free.popLast() else {
      note(.noBuffer)
      return nil
    }
    fill(Int(slot), arrival)
    return Int(slot)
  }

  private func fill(_ slot: Int, _ arrival: Arrival) {
    let template = traffic.templates[Int(arrival.template)]
    slab.fill(slot, from: traffic.bytes, at: template.start, count: template.length)
    if arrival.damage == 0 {
      slab.slots[slot].fault = template.fault?.rawValue ?? 0
      slab.slots[slot].soundness = template.soundness
      slab.slots[slot].marks = template.marks.union(portMarks(template))
      slab.slots[slot].tags = template.tags
      slab.slots[slot].headers = template.headers
      slab.slots[slot].finished = template.finished
      slab.slots[slot].pair = template.pair
      slab.slots[slot].conversation = template.conversation
      slab.slots[slot].piece = template.piece
    } else {
      damage(slot, by: arrival.damage)
    }
    let length = Int(slab.slots[slot].length)
    slab.slots[slot].cut = -1
    var contiguous = length
    if length > 1, chance.happens(scenario.rates.split) {
      note(.split)
      contiguous = 1 + chance.below(length - 1)
    }
    slab.layOut(slot, contiguous: contiguous)
  }

  /// What a port that checks sums says of a frame: the truth, nothing, or a false alarm.
  private func portMarks(_ template: Traffic.Template) -> PacketMarks {
    guard scenario.policy.checksum == .hardware, template.marks.isEmpty, template.fault == nil else { return [] }
    switch template.soundness {
    case .sound: return chance.below(16) == 0 ? .checksumBad : .checksumGood
    case .invalid: return .checksumBad
    case .unknown: return []
    }
  }

  /// Changes bytes, mostly of headers, or cuts the frame; then nothing is known of it but what the tests' own reading
  /// finds wrong with its IP header.
  private func damage(_ slot: Int, by seed: UInt32) {
    var chance = Chance(seed: UInt64(seed))
    let length = Int(slab.slots[slot].length)
    if chance.below(4) == 0 { slab.slots[slot].length = UInt32(1 + chance.below(length)) }
    slab.edit(slot) { bytes in
      for _ in 0..<(1 + chance.below(4)) {
        let place = chance.below(chance.below(4) == 0 ? bytes.count : min(bytes.count, 60))
        bytes[place] = chance.below(2) == 0 ? bytes[place] ^ 1 << UInt8(chance.below(8)) : UInt8(chance.below(256))
      }
    }
    let frame = Frame(slab.copyOfFrame(slot))
    slab.slots[slot].fault = Traffic.fault(of: frame)?.rawValue ?? 0
    slab.slots[slot].soundness = .unknown
    slab.slots[slot].marks = []
    slab.slots[slot].tags = UInt8(truncatingIfNeeded: frame.tags.count)
    slab.slots[slot].finished = -1
    slab.slots[slot].pair = -1
    slab.slots[slot].conversation = -1
    slab.slots[slot].piece = Piece()
    if slab.slots[slot].fault == 0, let reading = frame.fragmentOfAnyPort {
      slab.slots[slot].piece = Piece(reading, key: number(ofKey: reading.key))
    }
  }

  /// The buffer becomes the worker's; the models say what must become of the packet.
  private func hand(_ slot: Int, to worker: Int, from i: Int, port: Int) {
    inbound[i].sequence += 1
    inbound[i].delivered.packets += 1
    inbound[i].delivered.bytes += UInt64(slab.slots[slot].length)
    slab.slots[slot].owner = .worker(worker)
    slab.slots[slot].wasOffered = false
    slab.slots[slot].wasRefused = false
    slab.slots[slot].inbound = Int32(i)
    slab.slots[slot].sequence = inbound[i].sequence
    slab.slots[slot].cut = -1
    slab.slots[slot].handovers = 0
    slab.slots[slot].rules = -1
    stamp(slot)
    if slab.slots[slot].piece.key >= 0 {
      slab.amend(slot, Frame(slab.copyOfFrame(slot)).fragment(by: port))
      slab.layOut(slot, contiguous: Int(slab.slots[slot].contiguous))
    }
    if sabotage == .holdsPlain, isRipe, waits(slot), !accounts[worker].isEmptying {
      sabotage = nil
      // The world takes it for a packet like others.
      slab.slots[slot].piece = Piece()
    }
    if accounts[worker].isEmptying {
      accounts[worker].emptied.packets += 1
      accounts[worker].emptied.bytes += UInt64(slab.slots[slot].length)
      predict(slot, must: DropReason.shutdown.rawValue, may: [])
    } else {
      judge(slot, worker, port)
    }
  }

  private func judge(_ slot: Int, _ worker: Int, _ port: Int) {
    var packet = incoming(slot, worker, port)
    askRules(slot, &packet, worker, port)
    if packet.waits { accounts[worker].doubtful += 1 }
    if !packet.waits, packet.fault == nil, packet.soundness != .sound {
      accounts[worker].doubtful += 1
      if ValidityModel.isCertain(packet) { accounts[worker].invalid += 1 }
    }
    foretell(slot, packet, models)
  }

  /// A packet that another worker received, counted and let pass: what is left is the way out, as this one knows it.
  func judgeHandedOff(_ slot: Int, _ worker: Int) {
    let port = Int(slab.slots[slot].inbound) / workers
    let models: [any Model] =
      [FragmentModel()]
      + (scenario.tracking == nil
        ? [EarlyRuleModel(), LateRuleModel(), ExitModel()]
        : [EarlyRuleModel(), ValidityModel(), InvalidModel(), LateRuleModel(), TrackingModel(), ExitModel()])
    var packet = incoming(slot, worker, port)
    askRules(slot, &packet, worker, port)
    if packet.waits { accounts[worker].doubtful += 1 }
    foretell(slot, packet, models)
  }

  private func askRules(_ slot: Int, _ packet: inout Incoming, _ worker: Int, _ port: Int) {
    slab.slots[slot].rules = -1
    guard let desk, packet.fault == nil, !packet.waits else { return }
    packet.rules = desk.foresee(
      slab.copyOfFrame(slot), of: worker, port: port, egress: scenario.exits[port].port, at: clock)
    slab.slots[slot].rules = desk.number(of: worker)
  }

  /// The packet was judged, and its fate is known.
  func countByRules(_ slot: Int) {
    let packet = slab.slots[slot]
    guard packet.rules >= 0, let desk else { return }
    let port = Int(packet.inbound) / workers
    desk.count(slab.copyOfFrame(slot), by: packet.rules, port: port, egress: scenario.exits[port].port, at: clock)
    slab.slots[slot].rules = -1
  }

  func incoming(_ slot: Int, _ worker: Int, _ port: Int) -> Incoming {
    let known = slab.slots[slot]
    var exit = scenario.exits[port]
    if exit.closed == nil, accounts[worker].knownDown & 1 << UInt32(exit.port) != 0 { exit.closed = .linkDown }
    return Incoming(
      length: known.length, contiguous: known.contiguous, marks: known.marks, tags: known.tags, headers: known.headers,
      fault: known.fault == 0 ? nil : DropReason(rawValue: known.fault), soundness: known.soundness,
      policy: scenario.policy, exit: exit, refusals: scenario.refusals(port: port), waits: waits(slot),
      ends: scenario.ends(port: port))
  }

  private func foretell(_ slot: Int, _ packet: Incoming, _ models: [any Model]) {
    slab.slots[slot].egress = packet.exit.port
    var must: UInt8 = 0
    var may = Reasons()
    loop: for model in models {
      switch model.opinion(of: packet) {
      case .passes: continue
      case .mayDrop(let reasons): may.formUnion(reasons)
      case .ends(let reasons):
        may.formUnion(reasons)
        break loop
      case .drops(let reason):
        must = reason.rawValue
        break loop
      }
    }
    predict(slot, must: must, may: may)
  }

  private func predict(_ slot: Int, must: UInt8, may: Reasons) {
    slab.slots[slot].mustDrop = must
    slab.slots[slot].mayDrop = may
  }
}
