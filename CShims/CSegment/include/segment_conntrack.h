// The records of connection tracking: connections and their extensions, in arenas of the segment, one shard a worker.
#ifndef SEGMENT_CONNTRACK_H
#define SEGMENT_CONNTRACK_H

#include "segment_file.h"

/// One side's part of a TCP connection's window, as the packets it sent tell it (netfilter's ip_ct_tcp_state).
struct dpdkfwd_ct_tcp_side {
  uint32_t end;         // sequence number just past what was sent
  uint32_t max_end;     // the furthest the other side allowed
  uint32_t max_window;  // bytes, the largest window it announced
  uint32_t max_ack;     // the highest number it acknowledged
};
SEGMENT_SIZE(dpdkfwd_ct_tcp_side, 16);

/// What TCP tracking remembers beside the state.
struct dpdkfwd_ct_tcp {
  struct dpdkfwd_ct_tcp_side original;
  struct dpdkfwd_ct_tcp_side reply;
  uint32_t last_sequence;         // of the segment before, to tell a retransmission
  uint32_t last_acknowledgement;
  uint32_t last_end;
  uint16_t last_window;
  uint8_t flags_original;         // IP_CT_TCP_FLAG_* of netfilter
  uint8_t flags_reply;
  uint8_t scales;                 // window scales: low four bits the original side's, high four the reply's
  uint8_t last_segment;           // bits 0-2 what it was, bit 3 its direction, bits 4-7 the scale an ignored SYN offers
  uint8_t last_flags;             // IP_CT_TCP_FLAG_* that an ignored SYN offers, or EXP_CHALLENGE_ACK
  uint8_t retransmissions;
};
SEGMENT_SIZE(dpdkfwd_ct_tcp, 52);

/// The same bytes of an SCTP association.
struct dpdkfwd_ct_sctp {
  uint32_t tag_original;  // that packets of the original direction carry
  uint32_t reserved[3];
  uint32_t tag_reply;
  uint32_t reserved2[3];
  uint32_t init_original;  // 1 from this side's INIT on, until a COOKIE ACK
  uint32_t init_reply;
  uint32_t reserved3;
  uint16_t reserved4;
  uint8_t flags;          // of the SCTP tracker
  uint8_t last_direction;
  uint32_t reserved5;
};
SEGMENT_SIZE(dpdkfwd_ct_sctp, 52);

/// The same bytes of a UDP or UDP-Lite flow.
struct dpdkfwd_ct_udp {
  uint32_t stream_at;  // milliseconds on the worker's clock: from then on answers make it a stream
  uint32_t reserved[12];
};
SEGMENT_SIZE(dpdkfwd_ct_udp, 52);

/// A tracked connection. The first 64 bytes are all that a packet of a cached UDP flow touches.
///
/// `generation` guards the record: zero while it is free, another number for every connection that takes it. It is the
/// first to be stored when a connection ends and the last when one begins, so that a reader who finds it unchanged after
/// a copy has copied one connection. Addresses are in network byte order, ports and everything else in the host's.
struct dpdkfwd_ct_record {
  // What tells the connection from others: two words, compared as such with what a packet says.
  uint32_t source;             // IPv4 of the original direction; IPv6: a digest of the address in the extension
  uint32_t destination;
  uint16_t source_port;        // ICMP: the identifier; GRE: the source key
  uint16_t destination_port;   // ICMP: type << 8 | code; GRE: the destination key
  uint16_t zone;               // of the original direction
  uint8_t protocol;
  uint8_t flags;               // DPDKFWD_CT_*

  uint32_t deadline;           // milliseconds on the worker's clock, compared modulo 2^32
  uint32_t start;              // seconds since 1970
  uint16_t status;             // netfilter's IPS_* bits
  uint16_t cached_generation;  // of the verdicts, when an outcome was remembered
  uint8_t cached_egress[2];    // the port that packets of each direction leave by; 255: not remembered
  uint8_t flow_table;          // low four bits: of the named flow tables; high four: of the timeout policies; 0: none
  uint8_t state;               // of TCP and SCTP, as netfilter numbers them
  uint64_t packets_original;
  uint64_t bytes_original;
  uint64_t packets_reply;
  uint64_t bytes_reply;

  uint32_t generation;
  uint32_t mark;
  uint32_t extension;          // number of the first extension + 1, in the same shard; 0: none
  struct dpdkfwd_ct_tcp tcp;
};
SEGMENT_SIZE(dpdkfwd_ct_record, 128);
SEGMENT_AT(dpdkfwd_ct_record, protocol, 14);
SEGMENT_AT(dpdkfwd_ct_record, deadline, 16);
SEGMENT_AT(dpdkfwd_ct_record, status, 24);
SEGMENT_AT(dpdkfwd_ct_record, cached_egress, 28);
SEGMENT_AT(dpdkfwd_ct_record, packets_original, 32);
SEGMENT_AT(dpdkfwd_ct_record, generation, 64);
SEGMENT_AT(dpdkfwd_ct_record, mark, 68);
SEGMENT_AT(dpdkfwd_ct_record, extension, 72);
SEGMENT_AT(dpdkfwd_ct_record, tcp, 76);

/// Bits of `flags`.
static const uint8_t DPDKFWD_CT_QUESTION = 1;     // an ICMP query: the original direction asks
static const uint8_t DPDKFWD_CT_IPV6 = 4;
static const uint8_t DPDKFWD_CT_TWO_ENTRIES = 8;  // each direction has an index entry of its own
// Bits 4 to 7: the place, plus 1, where the connection is counted for its source; 0: nowhere.

/// What a connection needs beyond its record. The first extension of an IPv6 connection holds its addresses; the one
/// after it, or the first of an IPv4 connection, the reply tuple when it is not just the original turned round.
struct dpdkfwd_ct_extension_record {
  uint32_t owner;              // generation of the connection; 0 while the extension is free
  uint32_t next;               // number + 1; 0: none. While free: the next free one
  uint8_t source[16];          // IPv6 of the original direction, or the reply tuple's source (IPv4: the first 4 bytes)
  uint8_t destination[16];
  uint16_t source_port;        // of the reply tuple
  uint16_t destination_port;
  uint16_t zone;               // of the reply direction
  uint8_t kind;                // 1 addresses, 2 reply tuple, 3 labels only
  uint8_t event_mask;          // in the connection's first extension: what is told of it, see EventSelection; 0: all
  uint8_t labels[16];          // in the connection's first extension: 128 bits, the lowest first
};
SEGMENT_SIZE(dpdkfwd_ct_extension_record, 64);
SEGMENT_AT(dpdkfwd_ct_extension_record, source, 8);
SEGMENT_AT(dpdkfwd_ct_extension_record, destination, 24);
SEGMENT_AT(dpdkfwd_ct_extension_record, source_port, 40);
SEGMENT_AT(dpdkfwd_ct_extension_record, zone, 44);
SEGMENT_AT(dpdkfwd_ct_extension_record, kind, 46);
SEGMENT_AT(dpdkfwd_ct_extension_record, labels, 48);

/// What a worker's tracker counts; committed with the lcore's counters.
struct dpdkfwd_ct_shard_record {
  uint32_t lcore;
  uint32_t epoch;              // of the ids: 4 bits
  uint64_t clock_zero;         // nanoseconds of CLOCK_MONOTONIC where the worker's milliseconds began
  uint64_t entries;            // gauges from here
  uint64_t entries_max;        // high-water mark
  uint64_t entries_limit;
  uint64_t extensions;
  uint64_t extensions_limit;
  uint64_t unassured;          // entries that may be dropped early
  uint64_t by_protocol[8];     // tcp, udp, icmp, icmpv6, sctp, gre, udplite, other
  uint64_t found;              // counters from here, as conntrack -S names them
  uint64_t invalid;
  uint64_t insert;
  uint64_t insert_failed;
  uint64_t drop;
  uint64_t early_drop;
  uint64_t error;              // ICMP errors that match nothing
  uint64_t search_restart;     // lookups repeated because the burst had changed the table
  uint64_t clash_resolve;
  uint64_t chaintoolong;
  uint64_t classes[8];         // packets: new, established, related in the original direction; the same in the reply; invalid, untracked
  uint64_t expired;
  uint64_t swept;              // records that the sweep visited
  uint64_t limited[4];         // connections refused: shard full, all full, zone, source
  uint64_t cache_hits;
  uint64_t cache_misses[8];    // by reason
  uint64_t refreshes;          // deadlines written
  uint64_t slots_used;         // records that hold a connection or have held one: the first so many
};
SEGMENT_SIZE(dpdkfwd_ct_shard_record, 408);

// Its arrays, which Swift would import as tuples.
static inline uint64_t *segment_ct_by_protocol(struct dpdkfwd_ct_shard_record *shard) { return shard->by_protocol; }
static inline uint64_t *segment_ct_classes(struct dpdkfwd_ct_shard_record *shard) { return shard->classes; }
static inline uint64_t *segment_ct_limited(struct dpdkfwd_ct_shard_record *shard) { return shard->limited; }
static inline uint64_t *segment_ct_cache_misses(struct dpdkfwd_ct_shard_record *shard) { return shard->cache_misses; }

/// Stores a generation after everything that was written before it.
static inline void segment_store_release(uint32_t *cell, uint32_t value) {
  __atomic_store_n(cell, value, __ATOMIC_RELEASE);
}

#endif
