internal import Sync

/// What a session has counted, a line for each number.
enum SyncText {
  static func lines(_ figures: [(String, UInt64)]) -> String {
    figures.map { name, number in
      let padding = String(repeating: " ", count: max(1, 28 - name.count - "\(number)".count))
      return "  \(name)\(padding)\(number)\n"
    }.joined()
  }

  static func lines(_ socket: DatagramSocket) -> String { lines([("datagrams_dropped", UInt64(socket.dropped))]) }

  static func lines(_ figures: SyncSender.Figures) -> String {
    lines([
      ("events", figures.events), ("changes_merged", figures.merged), ("changes_refused", figures.refused),
      ("event_losses", figures.losses), ("ups", figures.ups), ("downs", figures.downs),
      ("walks_begun", figures.walksBegun), ("walks_ended", figures.walksEnded), ("resyncs", figures.resyncs),
      ("frames", figures.frames), ("frames_repeated", figures.repeats), ("frames_gone", figures.gone),
      ("frames_refused", figures.refusedFrames), ("bytes", figures.bytes),
    ])
  }

  static func lines(_ figures: SyncReceiver.Figures, count: Int) -> String {
    let faults = zip(["length", "magic", "version", "checksum"], figures.faults).map { ("fault_\($0)", $1) }
    return lines(
      [
        ("connections", UInt64(count)), ("ups", figures.ups), ("downs", figures.downs), ("stale", figures.stale),
        ("no_room", figures.refused), ("purged", figures.purged), ("walks_ended", figures.walksEnded),
        ("resyncs", figures.resyncs), ("frames", figures.frames), ("frames_duplicate", figures.duplicates),
        ("frames_late", figures.late), ("ranges_asked", figures.asked), ("holes", figures.holes),
        ("senders", figures.sessions), ("bytes_sent", figures.bytes),
      ] + faults + [
        ("misdirected", figures.misdirected), ("unknown", figures.unknown),
        ("not_understood", figures.notUnderstood), ("unreadable", figures.unreadable),
      ])
  }

  static func lines(_ figures: OperationQueue.Figures) -> String {
    lines([
      ("puts", figures.puts), ("deletes", figures.deletes), ("deletes_absent", figures.absent),
      ("operations_refused", figures.refused), ("operations_merged", figures.merged), ("requests", figures.requests),
    ])
  }
}
