internal import Segment

extension MetricFamily {
  /// Connection tracking by the names that Prometheus's node_exporter has for the kernel's, added up over workers, so
  /// that dashboards and alerts made for a host work unchanged. All are gauges there.
  static func asNodeExporterNames(_ reader: SegmentReader) -> [MetricFamily] {
    guard let kind = reader.schema.kind(named: "ct_shards") else { return [] }
    let records = reader.records(of: kind)
    return nodeExporterNames.map { name, field, help in
      var family = MetricFamily("node_nf_conntrack_\(name)", .gauge, help: help)
      family.add(records.reduce(0) { $0 &+ ($1.number(field) ?? 0) }, [])
      return family
    }
  }

  /// Their name, our field, their meaning. `ignore` is zero in current kernels and has no field here.
  private static let nodeExporterNames: [(name: String, field: String, help: String)] = [
    ("entries", "entries", "Connections tracked"),
    ("entries_limit", "entries_limit", "Connections there is room for"),
    ("stat_found", "found", "Lookups that found a connection"),
    ("stat_invalid", "invalid", "Packets that can not be tracked"),
    ("stat_ignore", "", "Packets of connections that are not tracked on purpose"),
    ("stat_insert", "insert", "Connections inserted"),
    ("stat_insert_failed", "insert_failed", "Connections that could not be inserted"),
    ("stat_drop", "drop", "Packets dropped because a connection could not be had"),
    ("stat_early_drop", "early_drop", "Connections dropped to make room for new ones"),
    ("stat_search_restart", "search_restart", "Lookups repeated because the table had changed"),
  ]
}
