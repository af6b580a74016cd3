// What happened to connections and fragments: rings of numbered entries, one shard a worker, and what keeps the ends of
// connections for those who must not miss one.
#ifndef SEGMENT_EVENTS_H
#define SEGMENT_EVENTS_H

#include "segment_conntrack.h"

/// A connection as it stood at one moment, whole: another table can be given it from this alone.
struct dpdkfwd_ct_image {
  uint64_t id;
  uint32_t timeout;                 // milliseconds until it expires
  uint16_t reply_source_port;       // of the reply tuple; ICMP: the identifier
  uint16_t reply_destination_port;  // ICMP: type << 8 | code
  struct dpdkfwd_ct_record record;  // its addresses are of use within the worker alone
  uint8_t source[16];               // of the original direction, in network order; IPv4: the first four bytes
  uint8_t destination[16];
  uint8_t reply_source[16];
  uint8_t reply_destination[16];
  uint8_t labels[16];               // 128 bits, the lowest first
  uint16_t reply_zone;
  uint8_t reserved[6];
};
SEGMENT_SIZE(dpdkfwd_ct_image, 232);
SEGMENT_AT(dpdkfwd_ct_image, record, 16);
SEGMENT_AT(dpdkfwd_ct_image, source, 144);
SEGMENT_AT(dpdkfwd_ct_image, reply_source, 176);
SEGMENT_AT(dpdkfwd_ct_image, labels, 208);
SEGMENT_AT(dpdkfwd_ct_image, reply_zone, 224);

/// Something happened to a connection. `sequence` is what a ring's entries begin with.
struct dpdkfwd_ct_event_record {
  uint64_t sequence;
  uint64_t at;          // nanoseconds since 1970
  uint32_t client;      // process id of who asked for it; 0: nobody did
  uint16_t changes;     // DPDKFWD_CT_CHANGED_*; of UPDATE
  uint8_t kind;         // 1 new, 2 update, 3 destroy
  uint8_t originator;   // 0 packet, 1 timeout, 2 early drop, 3 request
  struct dpdkfwd_ct_image image;
};
SEGMENT_SIZE(dpdkfwd_ct_event_record, 256);
SEGMENT_AT(dpdkfwd_ct_event_record, at, 8);
SEGMENT_AT(dpdkfwd_ct_event_record, client, 16);
SEGMENT_AT(dpdkfwd_ct_event_record, changes, 20);
SEGMENT_AT(dpdkfwd_ct_event_record, kind, 22);
SEGMENT_AT(dpdkfwd_ct_event_record, image, 24);

/// What changed in a connection.
static const uint16_t DPDKFWD_CT_CHANGED_REPLY = 1;      // the first answer was seen
static const uint16_t DPDKFWD_CT_CHANGED_ASSURED = 2;
static const uint16_t DPDKFWD_CT_CHANGED_STATE = 4;      // of TCP or SCTP
static const uint16_t DPDKFWD_CT_CHANGED_TIMEOUT = 8;
static const uint16_t DPDKFWD_CT_CHANGED_MARK = 16;
static const uint16_t DPDKFWD_CT_CHANGED_LABELS = 32;
static const uint16_t DPDKFWD_CT_CHANGED_STATUS = 64;    // other status bits
static const uint16_t DPDKFWD_CT_CHANGED_COUNTERS = 128; // were set or reset by request

/// A connection that is gone, kept until all who asked for it know its end.
struct dpdkfwd_ct_dying_record {
  uint32_t generation;  // zero while the record is free
  uint32_t reserved;
  struct dpdkfwd_ct_event_record event;
};
SEGMENT_SIZE(dpdkfwd_ct_dying_record, 264);
SEGMENT_AT(dpdkfwd_ct_dying_record, event, 8);

/// The fragments of a datagram were given up.
struct dpdkfwd_frag_event_record {
  uint64_t sequence;
  uint64_t at;                  // nanoseconds since 1970
  uint8_t source[16];           // in network order; IPv4: the first four bytes
  uint8_t destination[16];
  uint32_t identification;
  uint32_t fragments;           // that were held
  uint32_t bytes;               // of their frames
  uint16_t zone;
  uint8_t protocol;
  uint8_t family;               // 0 IPv4, 1 IPv6
  uint8_t reason;               // place among the events of fragments
  uint8_t reserved[7];
};
SEGMENT_SIZE(dpdkfwd_frag_event_record, 72);
SEGMENT_AT(dpdkfwd_frag_event_record, source, 16);
SEGMENT_AT(dpdkfwd_frag_event_record, identification, 48);
SEGMENT_AT(dpdkfwd_frag_event_record, zone, 60);
SEGMENT_AT(dpdkfwd_frag_event_record, reason, 64);

/// Events as a worker counts them, and what it did on request; committed with the lcore's counters.
struct dpdkfwd_event_shard_record {
  uint32_t lcore;
  uint32_t mask;            // kinds that are written now: bits of event_kind
  uint64_t dying;           // connections in the list
  uint64_t dying_max;       // high-water mark
  uint64_t dying_limit;
  uint64_t written[5];      // by kind: new, update, destroy, refresh, fragments
  uint64_t merged;          // changes that went into an update with others
  uint64_t dying_lost;      // connections that left the list before all knew of their end
  uint64_t orders;          // requests carried out
  uint64_t refused;         // of these, in vain
  uint64_t visited;         // records looked at for requests
  uint64_t turns;           // breaths in which something was done on request
  uint64_t turn_cycles;     // that it took
  uint64_t turn_cycles_max;
};
SEGMENT_SIZE(dpdkfwd_event_shard_record, 136);
SEGMENT_AT(dpdkfwd_event_shard_record, dying, 8);
SEGMENT_AT(dpdkfwd_event_shard_record, written, 32);
SEGMENT_AT(dpdkfwd_event_shard_record, merged, 72);

static inline uint64_t *segment_events_written(struct dpdkfwd_event_shard_record *shard) { return shard->written; }

/// What holds for tracking as a whole and can be changed while the forwarder runs.
struct dpdkfwd_tracking_record {
  uint64_t connections_limit;  // of all workers together; 0: none but their tables'
  uint64_t zone_limit;         // of a zone that has none of its own; 0: none
  uint64_t source_limit;       // of a source address; 0: none
  uint32_t sweep_interval;     // milliseconds
  uint8_t tcp_seq_chk;         // 0 off, 1 on
  uint8_t reserved[3];
};
SEGMENT_SIZE(dpdkfwd_tracking_record, 32);
SEGMENT_AT(dpdkfwd_tracking_record, sweep_interval, 24);
SEGMENT_AT(dpdkfwd_tracking_record, tcp_seq_chk, 28);

/// What came by the control sockets, both together.
struct dpdkfwd_control_record {
  uint64_t open;        // a gauge; counters from here
  uint64_t accepted;
  uint64_t full;
  uint64_t strangers;
  uint64_t closed[8];   // by reason
  uint64_t requests;
  uint64_t errors[16];  // by code
  uint64_t pauses;
  uint64_t bytes_in;
  uint64_t bytes_out;
};
SEGMENT_SIZE(dpdkfwd_control_record, 256);

// Its arrays, which Swift would import as tuples.
static inline uint64_t *segment_control_closed(struct dpdkfwd_control_record *record) { return record->closed; }
static inline uint64_t *segment_control_errors(struct dpdkfwd_control_record *record) { return record->errors; }

#endif
