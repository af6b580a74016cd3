internal import Primitives

/// What the driver is asked for.
extension OffloadQueue {
  private enum Progress { case done, later, noCallsLeft }

  /// Adds and removes rules, oldest work first.
  func carryOut(at now: Instant) {
    for _ in 0..<work.count {
      guard let place = work.first, let entry = entries[place] else { return }
      var progress = Progress.later
      if entry.notBefore <= now {
        progress = entry.state == .adding ? addRules(place, at: now) : removeRules(place, at: now)
      }
      if progress == .noCallsLeft { return }
      work.removeFirst()
      if progress == .later { work.add(place) }
    }
  }

  // MARK: Adding

  private func addRules(_ place: Int, at now: Instant) -> Progress {
    for isReply in [false, true] {
      guard let entry = entries[place], !entry.rules[isReply].isTried else { continue }
      let number = entry.request.ports[isReply]
      var port = ports[number] ?? OffloadPort(number)
      let kind = entry.request.tuple.kind
      if port.isUp, port.rests[kind].map({ $0 <= now }) ?? true {
        guard budget.take(at: now) else { return .noCallsLeft }
        do throws(FlowRefusal) {
          let rule = entry.rule(isReply: isReply, token: token(of: place, isReply: isReply))
          entries[place]?.rules[isReply].handle = try driver.place(rule, on: number)
          entries[place]?.rules[isReply].meter = CounterMeter(at: now)
          port.rules += 1
          port.rests[kind] = nil
        } catch {
          if error.kind == .busy, mayTryAgain(place, at: now) { return .later }
          port.refusals += 1
          port.reason = error.reason
          if error.kind == .unsupported { port.rests[kind] = now + settings.rest }
        }
      } else {
        port.refusals += 1
      }
      ports[number] = port
      entries[place]?.rules[isReply].isTried = true
      entries[place]?.attempts = 0
    }
    // One direction is enough.
    if entries[place]?.hasRule == true {
      figures.added += 1
      entries[place]?.wasAdded = true
      entries[place]?.state = .placed
      entries[place]?.tellsAdded = true
      entries[place]?.read = now
      entries[place]?.moved = now
    } else {
      figures.refused += 1
      entries[place]?.last = .refused
    }
    untell(place)
    return .done
  }

  /// The driver is busy: whether it is asked again, and when.
  private func mayTryAgain(_ place: Int, at now: Instant) -> Bool {
    guard let attempts = entries[place]?.attempts, attempts < settings.attempts else { return false }
    entries[place]?.attempts = attempts + 1
    entries[place]?.notBefore = now + settings.pause
    return true
  }

  // MARK: Removing

  private func removeRules(_ place: Int, at now: Instant) -> Progress {
    for isReply in [false, true] {
      guard let entry = entries[place], let rule = entry.rules[isReply].handle else { continue }
      let port = entry.request.ports[isReply]
      // What it counts between the two is lost, so one follows the other at once.
      guard budget.take(2, at: now) else { return .noCallsLeft }
      _ = read(place, isReply: isReply, rule, at: now)
      do throws(FlowRefusal) {
        try driver.remove(rule, from: port)
      } catch {
        if error.kind == .busy, mayTryAgain(place, at: now) { return .later }
        // It is the driver's now: it will age and be nobody's.
        figures.failed += 1
      }
      ports[port]?.rules -= 1
      entries[place]?.rules[isReply].handle = nil
      entries[place]?.attempts = 0
    }
    guard let entry = entries[place] else { return .done }
    if entry.wasAdded { figures.deleted += 1 }
    if entry.cause == .aged { figures.aged += 1 }
    entries[place]?.last = .ended
    untell(place)
    return .done
  }

  // MARK: Counters and age

  /// Reads the counters that are due, in the order of places.
  func readCounters(at now: Instant) {
    for _ in 0..<min(entries.count, 4096) {
      if cursor >= entries.count { cursor = 0 }
      if let entry = entries[cursor], entry.state == .placed, now >= entry.read + settings.readingInterval {
        let rules = [entry.rules.original, entry.rules.reply].count { $0.handle != nil }
        guard budget.take(UInt64(rules), at: now) else { return }
        readBoth(cursor, at: now)
      }
      cursor += 1
    }
  }

  private func readBoth(_ place: Int, at now: Instant) {
    guard let entry = entries[place] else { return }
    var isIdle = true
    for isReply in [false, true] {
      guard let rule = entry.rules[isReply].handle else { continue }
      guard let counted = read(place, isReply: isReply, rule, at: now) else {
        isIdle = false
        continue
      }
      if counted.isZero { continue }
      isIdle = false
      entries[place]?.rules[isReply].hasAged = false
      entries[place]?.moved = now
    }
    entries[place]?.read = now
    // The port tells when a rule has aged; some tell it once only, and packets may have come since.
    let silence = entry.request.timeout.nanoseconds &+ 2 * settings.readingInterval.nanoseconds
    if isIdle, (now - entry.moved).nanoseconds >= silence { end(place, .aged) }
  }

  /// What a rule has counted since it was read before; `nil` when that is not known.
  private func read(_ place: Int, isReply: Bool, _ rule: FlowHandle, at now: Instant) -> FlowCount? {
    guard let port = entries[place]?.request.ports[isReply] else { return nil }
    figures.stats += 1
    do throws(FlowRefusal) {
      let reading = try driver.count(rule, on: port)
      guard let counted = entries[place]?.rules[isReply].meter.read(reading, at: now) else {
        figures.restarts += 1
        return nil
      }
      entries[place]?.counts[isReply] += counted
      if !counted.isZero { untell(place) }
      return counted
    } catch {
      figures.failed += 1
      return nil
    }
  }

  /// Asks ports which of their rules have aged. A connection has when all its rules have.
  func askForAged(at now: Instant) {
    guard now >= nextAges else { return }
    for (number, port) in ports.sorted(by: { $0.key < $1.key }) where port.rules > 0 && port.isUp {
      guard budget.take(at: now) else { return }
      for token in driver.aged(on: number) { age(token) }
    }
    nextAges = now + settings.ageInterval
  }

  private func age(_ token: UInt64) {
    let place = Int(token >> 1 & 0x7FFF_FFFF)
    guard place < entries.count, lives[place] == UInt32(token >> 32), entries[place]?.state == .placed else { return }
    entries[place]?.rules[token & 1 == 1].hasAged = true
    guard let rules = entries[place]?.rules else { return }
    let isYoung = [rules.original, rules.reply].contains { $0.handle != nil && !$0.hasAged }
    if !isYoung { end(place, .aged) }
  }

  private func token(of place: Int, isReply: Bool) -> UInt64 {
    UInt64(lives[place]) << 32 | UInt64(place) << 1 | (isReply ? 1 : 0)
  }
}
