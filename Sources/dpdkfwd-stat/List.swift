internal import JSONText
internal import Segment

/// `--list`: the file prefixes below the root, with the state of each.
struct List {
  private struct Entry {
    var prefix: String
    var state: String
    var info: SegmentInfo?
  }
  private var entries: [Entry] = []

  init(root: String) throws(SegmentError) {
    for prefix in try SegmentPaths.prefixes(root: root) {
      do throws(SegmentError) {
        let reader = try SegmentReader(SegmentPaths(root: root, prefix: prefix))
        entries.append(
          Entry(prefix: prefix, state: try reader.liveness().rawValue, info: reader.info))
      } catch .missing {
        continue
      } catch .noPermission {
        entries.append(Entry(prefix: prefix, state: "no permission"))
      } catch .version {
        entries.append(Entry(prefix: prefix, state: "other version"))
      } catch {
        entries.append(Entry(prefix: prefix, state: "damaged"))
      }
    }
    if entries.isEmpty { throw .missing(path: root) }
  }

  func print(json: Bool) {
    if json {
      Swift.print(
        JSON.array(
          entries.map { entry in
            .object([
              ("prefix", .text(entry.prefix)), ("state", .text(entry.state)),
              ("pid", entry.info.map { .unsigned(UInt64($0.pid)) } ?? .null),
              ("version", entry.info.map { .text($0.version) } ?? .null),
            ])
          }))
    } else {
      let table = TextTable(
        head: [("PREFIX", .left), ("STATE", .left), ("PID", .right), ("VERSION", .left)],
        rows: entries.map { [$0.prefix, $0.state, $0.info.map { "\($0.pid)" } ?? "-", $0.info?.version ?? "-"] })
      Swift.print(table.text, terminator: "")
    }
  }
}
